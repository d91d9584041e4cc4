package config

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	reqName = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?`)
	extras  = regexp.MustCompile(`^\s*\[[A-Za-z0-9._,\s-]*\]`)
	// One or more version specifiers; the version itself is left to the installer.
	specifiers = regexp.MustCompile(`^(?:===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+(?:\s*,\s*(?:===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+)*\s*,?$`)
	options    = regexp.MustCompile(`\s--?[a-z][a-z-]*(?:[= ].*)?$`)
)

// requirement checks one line that names something to install.
func (r *requirements) requirement(l reqLine) {
	text := options.ReplaceAllString(l.text, "")
	text, _, _ = strings.Cut(text, ";")
	text = strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(text, "file:"), strings.Contains(text, "+file:"), strings.HasPrefix(text, "."), strings.HasPrefix(text, "/"), strings.HasPrefix(text, "~"),
		strings.Contains(text, `\`), strings.HasSuffix(text, ".whl") && !strings.Contains(text, "://"):
		r.local(l, text)
		return
	case isURL(text):
		return
	}
	name := reqName.FindString(text)
	rest := text[len(name):]
	rest = strings.TrimSpace(rest[len(extras.FindString(rest)):])
	if name != "" && strings.HasPrefix(rest, "@") {
		if url := strings.TrimSpace(rest[1:]); !isURL(url) {
			r.local(l, url)
		}
		return
	}
	if strings.HasPrefix(rest, "(") && strings.HasSuffix(rest, ")") {
		rest = strings.TrimSpace(rest[1 : len(rest)-1])
	}
	if name == "" || rest != "" && !specifiers.MatchString(rest) {
		r.fault("FN1115", l, fmt.Sprintf("%q is not a requirement", mask(text)), reqHelp(name, rest))
	}
}

var urlScheme = regexp.MustCompile(`^([a-z][a-z0-9+.-]*)://[^\s/]`)

func isURL(text string) bool {
	m := urlScheme.FindStringSubmatch(text)
	return m != nil && m[1] != "file" && !strings.HasSuffix(m[1], "+file")
}

func reqHelp(name, rest string) string {
	switch {
	case name != "" && strings.HasPrefix(rest, "=") && !strings.HasPrefix(rest, "=="):
		return "did you mean `" + name + "=" + strings.ReplaceAll(rest, " ", "") + "`?"
	case name != "" && regexp.MustCompile(`^[0-9][0-9.]*$`).MatchString(rest):
		return "did you mean `" + name + "==" + rest + "`?"
	}
	return "write a name and versions, such as `fastapi>=0.100`"
}
