// Package pep has what the standards of Python say of dependencies: versions and their
// specifiers (PEP 440), requirements and markers (PEP 508), names (PEP 503), and the
// constraints by which Poetry writes versions. It reads text that strangers have
// written, and no files.
package pep

import (
	"cmp"
	"regexp"
	"strings"
)

// Version is a version of a package or of Python (PEP 440). Numbers are
// kept as digits without leading zeros, so that none is too large.
type Version struct {
	Epoch   string
	Release []string
	// pre is "", or "a", "b" or "rc", with its number. post and dev are "" when
	// they are missing, and local is lower case.
	pre, preNumber, post, dev, local string
}

var versionForm = regexp.MustCompile(`^v?(?:([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)` +
	`(?:[-_.]?(alpha|beta|preview|pre|a|b|c|rc)[-_.]?([0-9]*))?(?:-([0-9]+)|[-_.]?(post|rev|r)[-_.]?([0-9]*))?(?:[-_.]?(dev)[-_.]?([0-9]*))?` +
	`(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$`)

var preReleases = map[string]string{"alpha": "a", "beta": "b", "preview": "rc", "pre": "rc", "c": "rc", "a": "a", "b": "b", "rc": "rc"}

// ParseVersion reads a version, and is false where the text is none.
func ParseVersion(text string) (Version, bool) {
	m := versionForm.FindStringSubmatch(strings.ToLower(strings.TrimSpace(text)))
	if m == nil {
		return Version{}, false
	}
	v := Version{Epoch: digits(m[1]), pre: preReleases[m[3]], preNumber: digits(m[4]), local: strings.NewReplacer("-", ".", "_", ".").Replace(m[10])}
	for n := range strings.SplitSeq(m[2], ".") {
		v.Release = append(v.Release, digits(n))
	}
	switch {
	case m[5] != "":
		v.post = digits(m[5])
	case m[6] != "":
		v.post = digits(m[7])
	}
	if m[8] != "" {
		v.dev = digits(m[9])
	}
	return v, true
}

// digits drops leading zeros; a number that is left out is 0.
func digits(s string) string {
	if s = strings.TrimLeft(s, "0"); s == "" {
		return "0"
	}
	return s
}

func compareDigits(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// part is a number of the release; what is left out is 0.
func (v Version) part(i int) string {
	if i < len(v.Release) {
		return v.Release[i]
	}
	return "0"
}

func CompareReleases(a, b Version) int {
	if c := compareDigits(a.Epoch, b.Epoch); c != 0 {
		return c
	}
	for i := range max(len(a.Release), len(b.Release)) {
		if c := compareDigits(a.part(i), b.part(i)); c != 0 {
			return c
		}
	}
	return 0
}

// CompareVersions orders versions; local labels count last.
func CompareVersions(a, b Version) int {
	if c := comparePublic(a, b); c != 0 {
		return c
	}
	return compareLocal(a.local, b.local)
}

func comparePublic(a, b Version) int {
	return cmp.Or(
		CompareReleases(a, b),
		cmp.Compare(a.stage(), b.stage()), compareDigits(a.preNumber, b.preNumber),
		compareDigits(a.post, b.post),
		compareDev(a.dev, b.dev),
	)
}

// stage orders what a release has before and after it: 1.0.dev1, 1.0a1, 1.0b1,
// 1.0rc1, 1.0.
func (v Version) stage() int {
	switch v.pre {
	case "a":
		return 1
	case "b":
		return 2
	case "rc":
		return 3
	}
	if v.dev != "" && v.post == "" {
		return 0
	}
	return 4
}

// compareDev: a development release comes before what it leads to.
func compareDev(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return 1
	case b == "":
		return -1
	}
	return compareDigits(a, b)
}

// compareLocal orders labels part by part: numbers after words, more after fewer.
func compareLocal(a, b string) int {
	if a == "" || b == "" {
		return cmp.Compare(len(a), len(b))
	}
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		xn, yn := isNumber(x[i]), isNumber(y[i])
		switch {
		case xn && yn:
			if c := compareDigits(digits(x[i]), digits(y[i])); c != 0 {
				return c
			}
		case xn != yn:
			return map[bool]int{true: 1, false: -1}[xn]
		default:
			if c := strings.Compare(x[i], y[i]); c != 0 {
				return c
			}
		}
	}
	return cmp.Compare(len(x), len(y))
}

func isNumber(s string) bool { return strings.Trim(s, "0123456789") == "" }

var specifierForm = regexp.MustCompile(`^(===|==|~=|!=|<=|>=|<|>)\s*(.+?)\s*$`)

// Meets reports whether the version is one that all specifiers allow, such as
// ">=1.2", "==1.*", "~=2.0"; valid is false when one of them is none.
func (v Version) Meets(specifiers []string) (ok, valid bool) {
	ok = true
	for _, s := range specifiers {
		m := specifierForm.FindStringSubmatch(strings.TrimSpace(s))
		if m == nil {
			return false, false
		}
		one, valid := v.meetsOne(m[1], m[2])
		if !valid {
			return false, false
		}
		ok = ok && one
	}
	return ok, true
}

func (v Version) meetsOne(op, text string) (ok, valid bool) {
	if op == "===" {
		w, parsed := ParseVersion(text)
		return parsed && CompareVersions(v, w) == 0, true
	}
	prefix, wild := strings.CutSuffix(text, ".*")
	w, valid := ParseVersion(prefix)
	if !valid {
		return false, false
	}
	if wild {
		if op != "==" && op != "!=" {
			return false, false
		}
		return v.within(w, len(w.Release)) == (op == "=="), true
	}
	if w.local == "" {
		v.local = ""
	}
	c := CompareVersions(v, w)
	switch op {
	case "==":
		return c == 0, true
	case "!=":
		return c != 0, true
	case "<=":
		return comparePublic(v, w) <= 0, true
	case ">=":
		return comparePublic(v, w) >= 0, true
	case "<":
		// 1.0a1 is not below 1.0 in the sense of who writes <1.0.
		return c < 0 && (w.preRelease() || !v.preRelease() || CompareReleases(v, w) != 0), true
	case ">":
		return comparePublic(v, w) > 0 && (w.post != "" || v.post == "" || CompareReleases(v, w) != 0), true
	}
	// ~=
	return len(w.Release) > 1 && comparePublic(v, w) >= 0 && v.within(w, len(w.Release)-1), len(w.Release) > 1
}

func (v Version) preRelease() bool { return v.pre != "" || v.dev != "" }

// within compares the first n numbers of the release.
func (v Version) within(w Version, n int) bool {
	if v.Epoch != w.Epoch {
		return false
	}
	for i := range n {
		if v.part(i) != w.part(i) {
			return false
		}
	}
	return true
}
