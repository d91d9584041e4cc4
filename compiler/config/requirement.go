package config

import (
	"regexp"
	"strings"
)

// requirement is one dependency specifier (PEP 508).
type requirement struct {
	name       string
	extras     []string
	specifiers []string
	// url is that of a direct reference, `name @ url`.
	url    string
	marker string
}

const (
	// The forms of a version (PEP 440), as packaging.python.org gives them.
	release    = `v?(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*`
	suffixes   = `(?:[-_.]?(?:alpha|beta|preview|pre|a|b|c|rc)[-_.]?[0-9]*)?(?:-[0-9]+|[-_.]?(?:post|rev|r)[-_.]?[0-9]*)?(?:[-_.]?dev[-_.]?[0-9]*)?`
	localLabel = `(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?`
)

var (
	nameForm   = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?`)
	extrasForm = regexp.MustCompile(`^\[\s*(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\s*,\s*[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)*\s*)?\]`)
	specifier  = regexp.MustCompile(`(?i)^(?:===\s*[^\s;)]+|[=!]=\s*` + release + `(?:\.\*|` + suffixes + localLabel + `)|~=\s*` + `v?(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)+` + suffixes +
		`|[<>]=?\s*` + release + suffixes + `)$`)
	separators = regexp.MustCompile(`[-_.]+`)
)

// normalName is a package's name as indexes compare it (PEP 503).
func normalName(name string) string {
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}

// parseRequirement reads a dependency specifier. What it returns besides false
// is as much as could be read.
func parseRequirement(text string) (r requirement, ok bool) {
	r.name = nameForm.FindString(text)
	if r.name == "" {
		return r, false
	}
	rest := strings.TrimSpace(text[len(r.name):])
	if e := extrasForm.FindString(rest); e != "" {
		for extra := range strings.SplitSeq(e[1:len(e)-1], ",") {
			if extra = strings.TrimSpace(extra); extra != "" {
				r.extras = append(r.extras, normalName(extra))
			}
		}
		rest = strings.TrimSpace(rest[len(e):])
	}
	if url, direct := strings.CutPrefix(rest, "@"); direct {
		return r.direct(strings.TrimSpace(url))
	}
	rest, marker, marked := strings.Cut(rest, ";")
	if r.marker = strings.TrimSpace(marker); marked && !validMarker(r.marker) {
		return r, false
	}
	rest = strings.TrimSpace(rest)
	if inner, open := strings.CutPrefix(rest, "("); open {
		if rest, ok = strings.CutSuffix(inner, ")"); !ok {
			return r, false
		}
		rest = strings.TrimSpace(rest)
	}
	return r.versions(rest)
}

// direct reads what follows the @: a URL ends at white space, as it may hold a
// semicolon itself.
func (r requirement) direct(text string) (requirement, bool) {
	end := strings.IndexAny(text, " \t")
	if end < 0 {
		r.url = text
		return r, r.url != ""
	}
	r.url = text[:end]
	marker, marked := strings.CutPrefix(strings.TrimSpace(text[end:]), ";")
	r.marker = strings.TrimSpace(marker)
	return r, marked && validMarker(r.marker)
}

func (r requirement) versions(list string) (requirement, bool) {
	if list == "" {
		return r, true
	}
	for s := range strings.SplitSeq(strings.TrimSuffix(list, ","), ",") {
		s = strings.TrimSpace(s)
		if !specifier.MatchString(s) {
			return r, false
		}
		r.specifiers = append(r.specifiers, s)
	}
	return r, true
}
