// Package disk reads directories and files: what kind an entry is, its state, its
// bytes. It does so with few calls of the system, since a scan makes little else.
package disk

import (
	"errors"
	"io/fs"

	"fngen.dev/fngen/compiler/source/index"
)

// ErrNotRegular is a file that has become something else.
var ErrNotRegular = errors.New("it is no regular file any more")

// Listing is the entries of one directory, in buffers that are used again for the
// next.
type Listing struct {
	dents   []byte
	names   []byte
	Entries []Entry
}

// Entry is one entry; its name is names[from:to].
type Entry struct {
	from, to int
	Kind     fs.FileMode // type bits only
}

func (l *Listing) reset() { l.names, l.Entries = l.names[:0], l.Entries[:0] }

func (l *Listing) add(name []byte, kind fs.FileMode) {
	from := len(l.names)
	l.names = append(l.names, name...)
	l.Entries = append(l.Entries, Entry{from, len(l.names), kind})
}

// Name is the name of an entry, until the listing is used again.
func (l *Listing) Name(e Entry) []byte { return l.names[e.from:e.to] }

// Bytes is how many all names have.
func (l *Listing) Bytes() int { return len(l.names) }

// Has reports whether a regular file has the name.
func (l *Listing) Has(name string) bool {
	kind, met := l.Kind(name)
	return met && kind.IsRegular()
}

// Kind is that of the entry with a name, if it was met.
func (l *Listing) Kind(name string) (kind fs.FileMode, met bool) {
	for _, e := range l.Entries {
		if string(l.Name(e)) == name {
			return e.Kind, true
		}
	}
	return 0, false
}

// KindOf is the kind of file that has a state.
func KindOf(st index.Stat) fs.FileMode { return fs.FileMode(st.Mode).Type() }
