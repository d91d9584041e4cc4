// Package delta owns the compact form of a manifest: how it differs from another.
//
// A whole manifest is its difference from the empty one, so there is one form
// for the wire and for files. The form is canonical - one text for each pair of
// manifests - and bounded: what Apply accepts is within the limits of a tree.
//
// It is a row of operations on the files of the base, in order:
//
//	drop n     n files of the base are gone
//	add n, n files     a run of files that the base does not have
//	keep n     n files of the base stay
//
// Each is a varint, n<<2 and the operation. A file is the length that its path
// shares with the path of the file added before it, the length of the rest, the
// rest, size<<1 and whether it is executable, and the 32 bytes of its SHA-256.
package delta

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"fngen.dev/fngen/compiler/source"
)

const (
	drop = iota
	add
	keep
)

// MaxBytes bounds the form and, apart, the paths that it makes.
const MaxBytes = 16 << 20

const hashBytes = 32

var (
	// ErrMalformed is a delta that does not have the form above, or does not fit
	// its base.
	ErrMalformed = errors.New("malformed manifest")
	// ErrTooLarge is one that makes more than a tree may have.
	ErrTooLarge = errors.New("too large")
)

// Encode writes how next differs from base. Both are sorted, and their digests
// are hex.
func Encode(base, next source.Manifest) ([]byte, error) {
	// Only what is added takes room; a few bytes more are enough for the rest.
	e := encoder{out: make([]byte, 0, 64+48*max(0, len(next.Files)-len(base.Files)))}
	old, files := base.Files, next.Files
	for len(old) > 0 || len(files) > 0 {
		switch {
		case len(files) == 0 || len(old) > 0 && old[0].Path < files[0].Path:
			e.count(drop)
			old = old[1:]
		case len(old) > 0 && old[0] == files[0]:
			e.count(keep)
			old, files = old[1:], files[1:]
		case len(old) > 0 && old[0].Path == files[0].Path:
			// Changed: gone first, then there again.
			e.count(drop)
			old = old[1:]
		default:
			e.count(add)
			e.added = append(e.added, files[0])
			files = files[1:]
		}
	}
	e.flush()
	return e.out, e.err
}

// encoder gathers operations into runs.
type encoder struct {
	out   []byte
	run   uint64
	op    uint64
	added []source.File // of the current run
	last  string
	err   error
}

func (e *encoder) count(op uint64) {
	if e.run > 0 && e.op != op {
		e.flush()
	}
	e.op = op
	e.run++
}

func (e *encoder) flush() {
	if e.run == 0 {
		return
	}
	e.out = binary.AppendUvarint(e.out, e.run<<2|e.op)
	for _, f := range e.added {
		e.file(f)
	}
	e.run, e.added = 0, e.added[:0]
}

func (e *encoder) file(f source.File) {
	shared := sharedLength(e.last, f.Path)
	e.out = binary.AppendUvarint(e.out, uint64(shared))
	e.out = binary.AppendUvarint(e.out, uint64(len(f.Path)-shared))
	e.out = append(e.out, f.Path[shared:]...)
	size := uint64(f.Size) << 1
	if f.Executable {
		size |= 1
	}
	e.out = binary.AppendUvarint(e.out, size)
	e.last = f.Path
	var digest [hashBytes]byte
	if n, err := hex.Decode(digest[:], []byte(f.SHA256)); err != nil || n != hashBytes || len(f.SHA256) != 2*hashBytes {
		e.err = fmt.Errorf("encode manifest: %q has the digest %q", f.Path, f.SHA256)
	}
	e.out = append(e.out, digest[:]...)
}

func sharedLength(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
