package pep

import (
	"regexp"
	"strings"
)

// Poetry writes versions in its own terms: ^1.2, ~1.2, 1.*, "1.2" for exactly it,
// and || between alternatives. They are turned into specifiers of PEP 440.

var (
	constraintOr    = regexp.MustCompile(`\s*\|\|?\s*`)
	constraintAnd   = regexp.MustCompile(`\s*,\s*|\s+`)
	constraintSpace = regexp.MustCompile(`(\^|~=?|[=!<>]=?=?)\s+`)
	constraintForm  = regexp.MustCompile(`^(\^|~=|~|===|==|=|!=|<>|<=|>=|<|>)?(.+)$`)
)

// PoetryConstraint returns the alternatives, each a list of specifiers that hold
// together. An empty list allows every version.
func PoetryConstraint(text string) ([][]string, bool) {
	var out [][]string
	for one := range splitSeq(constraintOr, strings.TrimSpace(text)) {
		list := []string{}
		for part := range splitSeq(constraintAnd, constraintSpace.ReplaceAllString(strings.Trim(one, " ,"), "$1")) {
			specifiers, ok := poetrySpecifier(part)
			if !ok {
				return nil, false
			}
			list = append(list, specifiers...)
		}
		out = append(out, list)
	}
	return out, true
}

func splitSeq(form *regexp.Regexp, text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, part := range form.Split(text, -1) {
			if !yield(part) {
				return
			}
		}
	}
}

func poetrySpecifier(part string) ([]string, bool) {
	if part == "" || part == "*" {
		return nil, true
	}
	m := constraintForm.FindStringSubmatch(part)
	if m == nil {
		return nil, false
	}
	op, text := m[1], m[2]
	prefix, wild := text, false
	for _, end := range []string{".*", ".x", ".X"} {
		if p, ok := strings.CutSuffix(prefix, end); ok {
			prefix, wild = strings.TrimSuffix(p, end), true // 1.*.*
		}
	}
	v, ok := ParseVersion(prefix)
	if !ok {
		return nil, false
	}
	switch op {
	case "^":
		return []string{">=" + prefix, "<" + v.Next(v.caret())}, true
	case "~":
		return []string{">=" + prefix, "<" + v.Next(min(len(v.Release), 2)-1)}, true
	case "", "=", "==":
		if wild {
			return []string{"==" + prefix + ".*"}, true
		}
		return []string{"==" + prefix}, true
	case "!=", "<>":
		if wild {
			prefix += ".*"
		}
		return []string{"!=" + prefix}, true
	case "~=":
		if len(v.Release) < 2 {
			return nil, false
		}
	}
	return []string{op + prefix}, true
}

// caret is the place of the number that ^ lets nobody change: the first that is
// not 0, or the last one.
func (v Version) caret() int {
	for i, n := range v.Release {
		if n != "0" {
			return i
		}
	}
	return len(v.Release) - 1
}

// Next is the version whose number at place i is one more, without those after it.
func (v Version) Next(i int) string {
	out := make([]string, i+1)
	for j := range out {
		out[j] = v.part(j)
	}
	out[i] = increment(out[i])
	text := strings.Join(out, ".")
	if v.Epoch != "0" {
		return v.Epoch + "!" + text
	}
	return text
}

func increment(digits string) string {
	b := []byte(digits)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < '9' {
			b[i]++
			return string(b)
		}
		b[i] = '0'
	}
	return "1" + string(b)
}

// AllowedBy reports whether one alternative allows the version.
func (v Version) AllowedBy(alternatives [][]string) bool {
	for _, list := range alternatives {
		if ok, valid := v.Meets(list); ok && valid {
			return true
		}
	}
	return false
}

// PythonMarker is Poetry's constraint on Python as a marker: "^3.8" is
// `python_version >= "3.8" and python_version < "4"`.
func PythonMarker(alternatives [][]string) string {
	var or []string
	for _, list := range alternatives {
		var and []string
		for _, s := range list {
			m := specifierForm.FindStringSubmatch(s)
			name := "python_version"
			if v, ok := ParseVersion(strings.TrimSuffix(m[2], ".*")); ok && (len(v.Release) > 2 || len(v.Release) == 1 && !strings.HasSuffix(m[2], ".*")) {
				name = "python_full_version"
			}
			and = append(and, name+" "+m[1]+" \""+m[2]+"\"")
		}
		if len(and) == 0 {
			return ""
		}
		or = append(or, strings.Join(and, " and "))
	}
	if len(or) == 1 {
		return or[0]
	}
	return "(" + strings.Join(or, ") or (") + ")"
}
