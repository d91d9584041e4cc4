package pep

import (
	"regexp"
	"strings"
)

// Requirement is one dependency specifier (PEP 508).
type Requirement struct {
	Name       string
	Extras     []string
	Specifiers []string
	// URL is that of a direct reference, `name @ url`.
	URL    string
	Marker string
}

const (
	// The forms of a version (PEP 440), as packaging.python.org gives them.
	release    = `v?(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*`
	suffixes   = `(?:[-_.]?(?:alpha|beta|preview|pre|a|b|c|rc)[-_.]?[0-9]*)?(?:-[0-9]+|[-_.]?(?:post|rev|r)[-_.]?[0-9]*)?(?:[-_.]?dev[-_.]?[0-9]*)?`
	localLabel = `(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?`
)

var (
	// NameForm begins with a name, and Specifier is a comparison with a version.
	NameForm   = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?`)
	extrasForm = regexp.MustCompile(`^\[\s*(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\s*,\s*[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)*\s*)?\]`)
	Specifier  = regexp.MustCompile(`(?i)^(?:===\s*[^\s;)]+|[=!]=\s*` + release + `(?:\.\*|` + suffixes + localLabel + `)|~=\s*` + `v?(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)+` + suffixes +
		`|[<>]=?\s*` + release + suffixes + `)$`)
	separators = regexp.MustCompile(`[-_.]+`)
)

// NormalName is a package's name as indexes compare it (PEP 503).
func NormalName(name string) string {
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}

// ParseRequirement reads a dependency specifier. What it returns besides false
// is as much as could be read.
func ParseRequirement(text string) (r Requirement, ok bool) {
	r.Name = NameForm.FindString(text)
	if r.Name == "" {
		return r, false
	}
	rest := strings.TrimSpace(text[len(r.Name):])
	if e := extrasForm.FindString(rest); e != "" {
		for extra := range strings.SplitSeq(e[1:len(e)-1], ",") {
			if extra = strings.TrimSpace(extra); extra != "" {
				r.Extras = append(r.Extras, NormalName(extra))
			}
		}
		rest = strings.TrimSpace(rest[len(e):])
	}
	if url, direct := strings.CutPrefix(rest, "@"); direct {
		return r.direct(strings.TrimSpace(url))
	}
	rest, marker, marked := strings.Cut(rest, ";")
	if r.Marker = strings.TrimSpace(marker); marked && !ValidMarker(r.Marker) {
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
func (r Requirement) direct(text string) (Requirement, bool) {
	end := strings.IndexAny(text, " \t")
	if end < 0 {
		r.URL = text
		return r, r.URL != ""
	}
	r.URL = text[:end]
	marker, marked := strings.CutPrefix(strings.TrimSpace(text[end:]), ";")
	r.Marker = strings.TrimSpace(marker)
	return r, marked && ValidMarker(r.Marker)
}

func (r Requirement) versions(list string) (Requirement, bool) {
	if list == "" {
		return r, true
	}
	for s := range strings.SplitSeq(strings.TrimSuffix(list, ","), ",") {
		s = strings.TrimSpace(s)
		if !Specifier.MatchString(s) {
			return r, false
		}
		r.Specifiers = append(r.Specifiers, s)
	}
	return r, true
}
