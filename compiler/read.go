package compiler

import (
	"errors"
	"io"
	"io/fs"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/discover"
)

// reader reads one Python file after another into the same memory, so that a
// tree of any size takes no more than its largest file for each worker.
type reader struct {
	fsys fs.FS
	buf  []byte
	// scanner has the memory of the scans.
	scanner discover.Reader
}

func (r *reader) scan(file string) *discover.Module {
	src, err := r.read(file)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		m := &discover.Module{File: file}
		m.Diagnostics.Add(diag.Diagnostic{Code: "FN1208", File: file, Message: "the file cannot be read: " + err.Error(), Help: "make it readable, or list it in .fnignore"})
		return m
	}
	return r.scanner.Scan(file, src)
}

// read returns a file, which stays valid until the next one is read. A file
// that is too large is returned only so far that this can be seen.
func (r *reader) read(file string) ([]byte, error) {
	f, err := r.fsys.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if r.buf == nil {
		r.buf = make([]byte, 64<<10)
	}
	n := 0
	for {
		got, err := f.Read(r.buf[n:])
		n += got
		switch {
		case errors.Is(err, io.EOF) || n > discover.MaxSource:
			return r.buf[:n], nil
		case err != nil:
			return nil, err
		case n == len(r.buf):
			r.buf = append(r.buf, make([]byte, min(n, discover.MaxSource+1-n))...)
		}
	}
}
