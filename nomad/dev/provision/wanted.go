package provision

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// oldestPython is the first minor version of Python 3 that the SDK supports.
const oldestPython = 9

// usual are the minor versions that a platform has when nobody says which, as
// far as they can be had.
var usual = []int{10, 11, 12, 13, 14}

// Wanted are the versions of Python that a platform is to have.
type Wanted struct {
	minors []int // the oldest first
	// named: somebody named them, so that no other is offered.
	named bool
}

var languageVersion = regexp.MustCompile(`^3\.([1-9]?[0-9])$`)

// ParseWanted reads FNGEN_PYTHONS: a list such as "3.11,3.12", or nothing for the
// usual versions and whatever else the distribution has.
func ParseWanted(text string) (Wanted, error) {
	if text == "" {
		return Wanted{minors: usual}, nil
	}
	w := Wanted{named: true}
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(", \t\n", r) }) {
		m := languageVersion.FindStringSubmatch(word)
		if m == nil {
			return Wanted{}, fmt.Errorf("FNGEN_PYTHONS %q: %q is not a version such as 3.12, of which the platform has one patch", text, word)
		}
		minor, _ := strconv.Atoi(m[1]) // at most two digits
		if minor < oldestPython {
			return Wanted{}, fmt.Errorf("FNGEN_PYTHONS %q: the SDK runs on Python 3.%d and newer, not on %s", text, oldestPython, word)
		}
		w.minors = append(w.minors, minor)
	}
	if len(w.minors) == 0 {
		return Wanted{}, fmt.Errorf("FNGEN_PYTHONS %q: want versions with commas, such as 3.11,3.12", text)
	}
	slices.Sort(w.minors)
	w.minors = slices.Compact(w.minors)
	return w, nil
}

// offered reports whether the platform offers a version that it has.
func (w Wanted) offered(minor int) bool { return !w.named || slices.Contains(w.minors, minor) }

// lacking are those that are not among what is there.
func (w Wanted) lacking(have []Python) []int {
	return slices.DeleteFunc(slices.Clone(w.minors), func(minor int) bool {
		return slices.ContainsFunc(have, func(p Python) bool { return p.Minor == minor })
	})
}

// language writes the version 3.minor.
func language(minor int) string { return fmt.Sprintf("3.%d", minor) }

// languages writes several, for people.
func languages(minors []int) string {
	var words []string
	for _, minor := range minors {
		words = append(words, language(minor))
	}
	return strings.Join(words, ", ")
}
