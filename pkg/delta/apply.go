package delta

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"fngen.dev/fngen/compiler/source"
)

// Apply makes the manifest that a delta leads to from base. It accepts only what
// Encode writes, so a manifest has one form; whether its paths and sizes may be
// those of a tree is for the caller to check.
func Apply(base source.Manifest, delta []byte) (source.Manifest, error) {
	if len(delta) > MaxBytes {
		return source.Manifest{}, fmt.Errorf("manifest of %d bytes: %w", len(delta), ErrTooLarge)
	}
	d := decoder{in: delta, old: base.Files}
	for len(d.in) > 0 {
		if err := d.operation(); err != nil {
			return source.Manifest{}, err
		}
	}
	if len(d.old) > 0 {
		return source.Manifest{}, fmt.Errorf("it ends %d files before its base: %w", len(d.old), ErrMalformed)
	}
	m := source.Manifest{Files: d.files}
	if m.Files == nil {
		m.Files = []source.File{}
	}
	// Every rule of the form - runs as long as they can be, prefixes too, no
	// varint with a tail, nothing dropped and added again - in one comparison.
	again, err := Encode(base, m)
	if err != nil || !bytes.Equal(again, delta) {
		return source.Manifest{}, fmt.Errorf("it is not in canonical form: %w", ErrMalformed)
	}
	return m, nil
}

// decoder reads a delta.
type decoder struct {
	in    []byte
	old   []source.File // of the base, not met yet
	files []source.File
	last  string // the path of the file added before
	paths int    // bytes of the paths added
}

func (d *decoder) operation() error {
	head, err := d.number()
	if err != nil {
		return err
	}
	op, n := head&3, head>>2
	switch {
	case n == 0 || op > keep:
		return fmt.Errorf("operation %d of %d files: %w", op, n, ErrMalformed)
	case op == add:
		return d.add(n)
	case n > uint64(len(d.old)):
		return fmt.Errorf("operation on %d files of %d: %w", n, len(d.old), ErrMalformed)
	}
	if op == keep {
		if err := d.room(n); err != nil {
			return err
		}
		d.files = append(d.files, d.old[:n]...)
	}
	d.old = d.old[n:]
	return nil
}

func (d *decoder) room(n uint64) error {
	if n > uint64(source.MaxFiles-len(d.files)) {
		return fmt.Errorf("the tree has more than %d files: %w", source.MaxFiles, ErrTooLarge)
	}
	return nil
}

func (d *decoder) add(n uint64) error {
	if err := d.room(n); err != nil {
		return err
	}
	for range n {
		f, err := d.file()
		if err != nil {
			return err
		}
		if len(d.files) > 0 && f.Path <= d.files[len(d.files)-1].Path {
			return fmt.Errorf("%q is not sorted after %q: %w", f.Path, d.files[len(d.files)-1].Path, ErrMalformed)
		}
		d.files = append(d.files, f)
	}
	return nil
}

func (d *decoder) file() (source.File, error) {
	path, err := d.path()
	if err != nil {
		return source.File{}, err
	}
	size, err := d.number()
	if err != nil {
		return source.File{}, err
	}
	if size>>1 > source.MaxFileSize {
		return source.File{}, fmt.Errorf("%q has %d bytes, more than %d: %w", path, size>>1, source.MaxFileSize, ErrTooLarge)
	}
	digest, err := d.take(hashBytes)
	if err != nil {
		return source.File{}, err
	}
	return source.File{Path: path, Executable: size&1 == 1, Size: int64(size >> 1), SHA256: hex.EncodeToString(digest)}, nil
}

func (d *decoder) path() (string, error) {
	shared, err := d.number()
	if err != nil {
		return "", err
	}
	length, err := d.number()
	if err != nil {
		return "", err
	}
	if shared > uint64(len(d.last)) || length > source.MaxPath || shared+length > source.MaxPath {
		return "", fmt.Errorf("path of %d and %d bytes: %w", shared, length, ErrMalformed)
	}
	// Prefixes make long paths of few bytes.
	if d.paths += int(shared + length); d.paths > MaxBytes {
		return "", fmt.Errorf("the paths have more than %d bytes: %w", MaxBytes, ErrTooLarge)
	}
	rest, err := d.take(int(length))
	if err != nil {
		return "", err
	}
	d.last = d.last[:shared] + string(rest)
	return d.last, nil
}

func (d *decoder) number() (uint64, error) {
	n, width := binary.Uvarint(d.in)
	if width <= 0 {
		return 0, fmt.Errorf("it ends in a number: %w", ErrMalformed)
	}
	d.in = d.in[width:]
	return n, nil
}

func (d *decoder) take(n int) ([]byte, error) {
	if n > len(d.in) {
		return nil, fmt.Errorf("it ends in a file: %w", ErrMalformed)
	}
	out := d.in[:n]
	d.in = d.in[n:]
	return out, nil
}
