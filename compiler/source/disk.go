package source

import (
	"io/fs"

	"fngen.dev/fngen/compiler/source/index"
)

// maxRules bounds an ignore file, as git does.
const maxRules = 100 << 20

// listing is the entries of one directory, in buffers that are used again for the
// next.
type listing struct {
	dents   []byte
	names   []byte
	entries []listed
}

// listed is one entry; its name is names[from:to].
type listed struct {
	from, to int
	kind     fs.FileMode // type bits only
}

func (l *listing) reset() { l.names, l.entries = l.names[:0], l.entries[:0] }

func (l *listing) add(name []byte, kind fs.FileMode) {
	from := len(l.names)
	l.names = append(l.names, name...)
	l.entries = append(l.entries, listed{from, len(l.names), kind})
}

func (l *listing) name(e listed) []byte { return l.names[e.from:e.to] }

// has reports whether a regular file has the name.
func (l *listing) has(name string) bool {
	kind, met := l.kind(name)
	return met && kind.IsRegular()
}

func (l *listing) kind(name string) (kind fs.FileMode, met bool) {
	for _, e := range l.entries {
		if string(l.name(e)) == name {
			return e.kind, true
		}
	}
	return 0, false
}

func kindOf(st index.Stat) fs.FileMode { return fs.FileMode(st.Mode).Type() }
