package treeroutes

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api/frames"
)

// treeTime is every file's time: the same tree is the same bytes. Zip archives,
// which Python programs make of their own files, know no earlier year.
var treeTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// writeTar writes a tree as a compressed tar of regular files, each opened by
// its digest. Those that are there are hard links to it.
func writeTar(w io.Writer, m source.Manifest, there map[string]bool, open func(sha256 string) (fs.File, error)) error {
	z, err := frames.NewWriter(w)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	for _, f := range m.Files {
		if isThere(f, there) {
			if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeLink, Name: f.Path, Linkname: f.SHA256, Mode: 0o644, ModTime: treeTime}); err != nil {
				return fmt.Errorf("pack %s: %w", f.Path, err)
			}
			continue
		}
		if err := writeEntry(t, f, open); err != nil {
			return fmt.Errorf("pack %s: %w", f.Path, err)
		}
	}
	if err := t.Close(); err != nil {
		return err
	}
	return z.Close()
}

// isThere reports whether a file need not be sent. A link shares the mode, and so
// has nothing executable.
func isThere(f source.File, there map[string]bool) bool { return there[f.SHA256] && !f.Executable }

func writeEntry(t *tar.Writer, f source.File, open func(string) (fs.File, error)) error {
	h := tar.Header{Typeflag: tar.TypeReg, Name: f.Path, Size: f.Size, Mode: 0o644, ModTime: treeTime}
	if f.Executable {
		h.Mode = 0o755
	}
	if err := t.WriteHeader(&h); err != nil {
		return err
	}
	file, err := open(f.SHA256)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(t, file)
	if errors.Is(err, tar.ErrWriteTooLong) {
		err = errors.Join(err, readToEnd(file)) // it has grown: it is not what it was
	}
	return err
}

// readToEnd reads a file to its end, where it is held to its digest.
func readToEnd(file io.Reader) error {
	_, err := io.Copy(io.Discard, file)
	return err
}
