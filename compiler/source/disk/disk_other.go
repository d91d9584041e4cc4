//go:build !linux

package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"fngen.dev/fngen/compiler/source/index"
)

// Directory is a directory whose entries are looked at.
type Directory struct{ path string }

// OpenDirectory opens a directory.
func OpenDirectory(path string) (Directory, error) { return Directory{path}, nil }

// Close ends the use of the directory.
func (d Directory) Close() {}

// List reads the names and kinds of all entries.
func (d Directory) List(l *Listing) error {
	l.reset()
	entries, err := os.ReadDir(d.path)
	for _, e := range entries {
		l.add([]byte(e.Name()), e.Type())
	}
	return err
}

// Lstat is the state of an entry, of a link its own.
func (d Directory) Lstat(name string) (index.Stat, error) { return Lstat(filepath.Join(d.path, name)) }

// Lstat is the state of what is at a path, of a link its own.
func Lstat(path string) (index.Stat, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return index.Stat{}, err
	}
	return statOf(info), nil
}

// ReadSmall reads a regular file of at most limit bytes; what is no regular file
// gives nothing.
func (d Directory) ReadSmall(name string, limit int64) ([]byte, error) {
	name = filepath.Join(d.path, name)
	info, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil || !info.Mode().IsRegular() {
		return nil, err
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s has more than %d MiB", name, limit>>20)
	}
	return os.ReadFile(name)
}

// File is an open file.
type File struct{ file *os.File }

// OpenFile opens what should be a regular file.
func OpenFile(path string, follow bool) (File, error) {
	if info, err := os.Lstat(path); err == nil && !follow && !info.Mode().IsRegular() {
		return File{}, ErrNotRegular
	}
	f, err := os.Open(path)
	return File{f}, err
}

// Close ends the use of the file.
func (f File) Close() { f.file.Close() }

// Stat is the state of the file.
func (f File) Stat() (index.Stat, error) {
	info, err := f.file.Stat()
	if err != nil {
		return index.Stat{}, err
	}
	return statOf(info), nil
}

// Next reads what comes next, at most as much as buf takes, and 0 bytes at the end.
func (f File) Next(buf []byte) (int, error) {
	n, err := f.file.Read(buf)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}
