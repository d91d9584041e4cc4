package pep

import (
	"regexp"
	"strconv"
	"strings"
)

var minorBound = regexp.MustCompile(`^(~=|===?|!=|<=?|>=?)\s*v?(\d+)(?:\.(\d+))?(\.\d+)?((?:\.\*)?)[a-zA-Z0-9.+]*$`)

// AllowsMinor judges one minor version, whatever its patch will be: a minorBound on the
// patch counts as met when some patch of the version can meet it.
func AllowsMinor(spec, minor string) (ok, valid bool) {
	_, after, _ := strings.Cut(minor, ".")
	have, _ := strconv.Atoi(after)
	ok = true
	for part := range strings.SplitSeq(spec, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		m := minorBound.FindStringSubmatch(part)
		if m == nil {
			return false, false
		}
		major, _ := strconv.Atoi(m[2])
		n, _ := strconv.Atoi(m[3])
		ok = minorMeets(m[1], have, major, n, m[3] != "", m[4] != "") && ok
	}
	return ok, true
}

// minorMeets compares 3.have with an operator and a version major.minor.
func minorMeets(op string, have, major, minor int, hasMinor, hasPatch bool) bool {
	if major != 3 {
		switch op {
		case "<", "<=", "!=":
			return major > 3 || op == "!="
		case ">", ">=":
			return major < 3
		}
		return false
	}
	switch op {
	case ">=", ">":
		return have >= minor
	case "<=":
		return have <= minor || !hasMinor && minor == 0 && have == 0
	case "<":
		return have < minor || have == minor && hasPatch
	case "!=":
		return hasPatch || !hasMinor || have != minor
	case "~=":
		return have == minor || have > minor && !hasPatch
	}
	return !hasMinor || have == minor
}
