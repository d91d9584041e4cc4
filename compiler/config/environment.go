package config

import (
	"slices"
	"strings"
)

// truth is what can be said of a marker before the node is known: its exact Python
// and its kernel are not.
type truth int

const (
	never truth = iota
	perhaps
	always
)

// environment is where the packages will run: CPython of one minor version on
// Linux and x86-64, which is what layers are built for.
type environment struct {
	minor string // "3.11"
	// extras and groups are those that are asked for. With anyExtra, a comparison
	// with an extra holds whatever the extra is.
	extras, groups []string
	anyExtra       bool
}

var platformVariables = map[string]string{
	"os_name": "posix", "os.name": "posix", "sys_platform": "linux", "sys.platform": "linux", "platform_system": "Linux",
	"platform_machine": "x86_64", "platform.machine": "x86_64", "implementation_name": "cpython",
	"platform_python_implementation": "CPython", "platform.python_implementation": "CPython", "python_implementation": "CPython",
}

// holds judges an environment marker. It keeps its own stack, so that no nesting
// is too deep for it.
func (e environment) holds(marker string) truth {
	if strings.TrimSpace(marker) == "" {
		return always
	}
	if !validMarker(marker) {
		return perhaps // the installer has the last word
	}
	words, _ := markerWords(marker)
	// One level for each open bracket: the or of all before, and the and under way.
	type level struct{ or, and truth }
	stack := []level{{never, always}}
	top := func() *level { return &stack[len(stack)-1] }
	for i := 0; i < len(words); {
		switch words[i] {
		case "(":
			stack = append(stack, level{never, always})
			i++
		case ")":
			inner := max(top().or, top().and)
			stack = stack[:len(stack)-1]
			top().and = min(top().and, inner)
			i++
		case "and":
			i++
		case "or":
			top().or, top().and = max(top().or, top().and), always
			i++
		default:
			op, n := words[i+1], 3
			if op == "not" {
				op, n = "not in", 4
			}
			top().and = min(top().and, e.compare(words[i], op, words[i+n-1]))
			i += n
		}
	}
	return max(top().or, top().and)
}

// flipped are the operators seen from the other side.
var flipped = map[string]string{"<": ">", ">": "<", "<=": ">=", ">=": "<="}

func (e environment) compare(left, op, right string) truth {
	quoted := func(w string) bool { return w[0] == '\'' || w[0] == '"' }
	unquote := func(w string) string { return w[1 : len(w)-1] }
	switch {
	case quoted(left) && quoted(right):
		return isTrue(compareTexts(unquote(left), op, unquote(right)))
	case quoted(left) && right == "extras":
		return e.member(unquote(left), op, e.extras)
	case quoted(left) && right == "dependency_groups":
		return e.member(unquote(left), op, e.groups)
	case quoted(left):
		if f, ok := flipped[op]; ok {
			op = f
		}
		if op == "in" || op == "not in" {
			return e.substring(unquote(left), op, right)
		}
		left, right = right, left
	case !quoted(right):
		return perhaps // two variables
	}
	value := unquote(right)
	switch left {
	case "extra":
		return e.extra(op, value)
	case "python_version":
		return versionTruth(e.minor, op, value)
	case "python_full_version", "implementation_version":
		return e.fullVersion(op, value)
	}
	known, ok := platformVariables[left]
	if !ok {
		return perhaps
	}
	return isTrue(compareTexts(known, op, value))
}

func isTrue(b bool) truth {
	if b {
		return always
	}
	return never
}

func (e environment) member(name, op string, of []string) truth {
	found := slices.Contains(of, name) || slices.Contains(of, normalName(name))
	return isTrue(found == (op != "not in"))
}

// substring judges `"x" in variable`.
func (e environment) substring(text, op, variable string) truth {
	known, ok := platformVariables[variable]
	if variable == "python_version" {
		known, ok = e.minor, true
	}
	if !ok {
		return perhaps
	}
	return isTrue(compareTexts(text, op, known))
}

func (e environment) extra(op, name string) truth {
	switch op {
	case "==":
		return isTrue(e.anyExtra || slices.Contains(e.extras, normalName(name)))
	case "!=":
		return isTrue(e.anyExtra || !slices.Contains(e.extras, normalName(name)))
	}
	return perhaps
}

func versionTruth(have, op, value string) truth {
	if op == "in" || op == "not in" {
		return isTrue(compareTexts(have, op, value))
	}
	v, _ := parseVersion(have)
	ok, valid := v.meets([]string{op + value})
	if !valid {
		return perhaps
	}
	return isTrue(ok)
}

// fullVersion compares with a version of three numbers, of which the last is not
// known: what holds for the first and for a last patch holds for each between,
// unless it is about single ones.
func (e environment) fullVersion(op, value string) truth {
	if op == "in" || op == "not in" {
		return perhaps
	}
	first, last := versionTruth(e.minor+".0", op, value), versionTruth(e.minor+".99999", op, value)
	if w, ok := parseVersion(strings.TrimSuffix(value, ".*")); first != last || !ok ||
		(op == "==" || op == "!=" || op == "===") && !strings.HasSuffix(value, ".*") && len(w.release) > 1 && w.release[0]+"."+w.release[1] == e.minor {
		return perhaps
	}
	return first
}

func compareTexts(left, op, right string) bool {
	switch op {
	case "in":
		return strings.Contains(right, left)
	case "not in":
		return !strings.Contains(right, left)
	case "==", "===":
		return left == right
	case "!=":
		return left != right
	case "<":
		return left < right
	case "<=":
		return left <= right
	case ">":
		return left > right
	case ">=":
		return left >= right
	}
	return false
}
