//go:build !linux

package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"fngen.dev/fngen/compiler/source/index"
)

// directory is a directory whose entries are looked at.
type directory struct{ path string }

func openDirectory(path string) (directory, error) { return directory{path}, nil }

func (d directory) close() {}

// list reads the names and kinds of all entries.
func (d directory) list(l *listing) error {
	l.reset()
	entries, err := os.ReadDir(d.path)
	for _, e := range entries {
		l.add([]byte(e.Name()), e.Type())
	}
	return err
}

func (d directory) lstat(name string) (index.Stat, error) { return lstat(filepath.Join(d.path, name)) }

func lstat(path string) (index.Stat, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return index.Stat{}, err
	}
	return statOf(info), nil
}

// readSmall reads a regular file of at most limit bytes; what is no regular file
// gives nothing.
func (d directory) readSmall(name string, limit int64) ([]byte, error) {
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

// file is an open file.
type file struct{ *os.File }

func openFile(path string, follow bool) (file, error) {
	if info, err := os.Lstat(path); err == nil && !follow && !info.Mode().IsRegular() {
		return file{}, errNotRegular
	}
	f, err := os.Open(path)
	return file{f}, err
}

func (f file) close() { f.Close() }

func (f file) stat() (index.Stat, error) {
	info, err := f.Stat()
	if err != nil {
		return index.Stat{}, err
	}
	return statOf(info), nil
}

// read returns 0 at the end of the file.
func (f file) read(buf []byte) (int, error) {
	n, err := f.Read(buf)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}
