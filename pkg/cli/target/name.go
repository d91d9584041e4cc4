package target

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/source"
)

// sayNothing are names of files that every project of their kind has: in a package
// the package is what has a name.
var sayNothing = []string{"__init__", "__main__", "asgi", "wsgi"}

// madeName makes a project's name of that of the file or directory that was
// scanned. It is empty where none can be made.
func madeName(s *source.Scanned) string {
	if s.Entry == "" {
		return slug(filepath.Base(s.Root))
	}
	dir, file := path.Split(s.Entry)
	if stem := strings.TrimSuffix(file, ".py"); dir == "" || !slices.Contains(sayNothing, stem) {
		return slug(stem)
	}
	return slug(path.Base(dir))
}

// slug makes "my-website" of "My_Website". Marks on letters are left out, and what
// is no letter or digit parts words. A letter that has no place in a host name
// makes it empty, since half a name is another name.
func slug(s string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r):
		case unicode.IsLetter(r), unicode.IsDigit(r):
			return ""
		default:
			b.WriteByte('-')
		}
	}
	words := strings.FieldsFunc(b.String(), func(r rune) bool { return r == '-' })
	name := strings.TrimLeft(strings.Join(words, "-"), "0123456789-")
	name = strings.TrimRight(name[:min(len(name), maxName)], "-")
	for _, candidate := range []string{name, name + "-project"} { // the second for a reserved name
		if name != "" && ir.ValidProjectName(candidate) {
			return candidate
		}
	}
	return ""
}

// maxName is how long a project's name may be.
const maxName = 40
