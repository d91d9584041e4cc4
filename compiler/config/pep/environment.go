package pep

import (
	"slices"
	"strings"
)

// Truth is what can be said of a marker before the node is known: its exact Python
// and its kernel are not.
type Truth int

const (
	Never Truth = iota
	Perhaps
	Always
)

// Environment is where the packages will run: CPython of one minor version on
// Linux and x86-64, which is what layers are built for.
type Environment struct {
	Minor string // "3.11"
	// extras and Groups are those that are asked for. With AnyExtra, a comparison
	// with an extra holds whatever the extra is.
	extras, Groups []string
	AnyExtra       bool
}

var platformVariables = map[string]string{
	"os_name": "posix", "os.name": "posix", "sys_platform": "linux", "sys.platform": "linux", "platform_system": "Linux",
	"platform_machine": "x86_64", "platform.machine": "x86_64", "implementation_name": "cpython",
	"platform_python_implementation": "CPython", "platform.python_implementation": "CPython", "python_implementation": "CPython",
}

// Holds judges an environment marker. It keeps its own stack, so that no nesting
// is too deep for it.
func (e Environment) Holds(marker string) Truth {
	if strings.TrimSpace(marker) == "" {
		return Always
	}
	if !ValidMarker(marker) {
		return Perhaps // the installer has the last word
	}
	words, _ := markerWords(marker)
	// One level for each open bracket: the or of all before, and the and under way.
	type level struct{ or, and Truth }
	stack := []level{{Never, Always}}
	top := func() *level { return &stack[len(stack)-1] }
	for i := 0; i < len(words); {
		switch words[i] {
		case "(":
			stack = append(stack, level{Never, Always})
			i++
		case ")":
			inner := max(top().or, top().and)
			stack = stack[:len(stack)-1]
			top().and = min(top().and, inner)
			i++
		case "and":
			i++
		case "or":
			top().or, top().and = max(top().or, top().and), Always
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

func (e Environment) compare(left, op, right string) Truth {
	quoted := func(w string) bool { return w[0] == '\'' || w[0] == '"' }
	unquote := func(w string) string { return w[1 : len(w)-1] }
	switch {
	case quoted(left) && quoted(right):
		return isTrue(compareTexts(unquote(left), op, unquote(right)))
	case quoted(left) && right == "extras":
		return e.member(unquote(left), op, e.extras)
	case quoted(left) && right == "dependency_groups":
		return e.member(unquote(left), op, e.Groups)
	case quoted(left):
		if f, ok := flipped[op]; ok {
			op = f
		}
		if op == "in" || op == "not in" {
			return e.substring(unquote(left), op, right)
		}
		left, right = right, left
	case !quoted(right):
		return Perhaps // two variables
	}
	value := unquote(right)
	switch left {
	case "extra":
		return e.extra(op, value)
	case "python_version":
		return versionTruth(e.Minor, op, value)
	case "python_full_version", "implementation_version":
		return e.fullVersion(op, value)
	}
	known, ok := platformVariables[left]
	if !ok {
		return Perhaps
	}
	return isTrue(compareTexts(known, op, value))
}

func isTrue(b bool) Truth {
	if b {
		return Always
	}
	return Never
}

func (e Environment) member(name, op string, of []string) Truth {
	found := slices.Contains(of, name) || slices.Contains(of, NormalName(name))
	return isTrue(found == (op != "not in"))
}

// substring judges `"x" in variable`.
func (e Environment) substring(text, op, variable string) Truth {
	known, ok := platformVariables[variable]
	if variable == "python_version" {
		known, ok = e.Minor, true
	}
	if !ok {
		return Perhaps
	}
	return isTrue(compareTexts(text, op, known))
}

func (e Environment) extra(op, name string) Truth {
	switch op {
	case "==":
		return isTrue(e.AnyExtra || slices.Contains(e.extras, NormalName(name)))
	case "!=":
		return isTrue(e.AnyExtra || !slices.Contains(e.extras, NormalName(name)))
	}
	return Perhaps
}

func versionTruth(have, op, value string) Truth {
	if op == "in" || op == "not in" {
		return isTrue(compareTexts(have, op, value))
	}
	v, _ := ParseVersion(have)
	ok, valid := v.Meets([]string{op + value})
	if !valid {
		return Perhaps
	}
	return isTrue(ok)
}

// fullVersion compares with a version of three numbers, of which the last is not
// known: what holds for the first and for a last patch holds for each between,
// unless it is about single ones.
func (e Environment) fullVersion(op, value string) Truth {
	if op == "in" || op == "not in" {
		return Perhaps
	}
	first, last := versionTruth(e.Minor+".0", op, value), versionTruth(e.Minor+".99999", op, value)
	if w, ok := ParseVersion(strings.TrimSuffix(value, ".*")); first != last || !ok ||
		(op == "==" || op == "!=" || op == "===") && !strings.HasSuffix(value, ".*") && len(w.Release) > 1 && w.Release[0]+"."+w.Release[1] == e.Minor {
		return Perhaps
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
