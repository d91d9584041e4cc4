package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"fngen.dev/fngen/compiler/source/gitindex"
)

// repository is a git repository that the tree lies in, or holds. The nil
// repository tracks nothing.
type repository struct {
	top string // the directory of the work tree
	// gitDir is where git keeps what belongs to this work tree alone, such as its
	// index; common is where it keeps what the work trees share. Most often they
	// are one.
	gitDir, common string
	// cut is how much of a path leads to the repository.
	cut int

	read    sync.Once
	tracked gitindex.Index
	err     error
}

// repositoryAt returns the repository whose work tree begins at dir, if one does.
// As git has it, a .git that is none does not count.
func repositoryAt(dir string) *repository {
	r := &repository{top: dir, gitDir: filepath.Join(dir, ".git")}
	info, err := os.Lstat(r.gitDir)
	if err != nil {
		return nil
	}
	if info.Mode().IsRegular() { // of a linked work tree or a submodule
		data, err := os.ReadFile(r.gitDir)
		target, ok := bytes.CutPrefix(bytes.TrimSpace(data), []byte("gitdir:"))
		if err != nil || !ok {
			return nil
		}
		r.gitDir = fromDir(dir, string(bytes.TrimSpace(target)))
	}
	r.common = r.gitDir
	if common, err := os.ReadFile(filepath.Join(r.gitDir, "commondir")); err == nil {
		r.common = fromDir(r.gitDir, strings.TrimSpace(string(common)))
	}
	for _, name := range []string{filepath.Join(r.gitDir, "HEAD"), filepath.Join(r.common, "objects"), filepath.Join(r.common, "refs")} {
		if _, err := os.Lstat(name); err != nil {
			return nil
		}
	}
	return r
}

func fromDir(dir, target string) string {
	if filepath.IsAbs(target) {
		return filepath.Clean(target)
	}
	return filepath.Join(dir, target)
}

// repositoryOf climbs from dir to the repository that it lies in.
func repositoryOf(dir string) *repository {
	for {
		if r := repositoryAt(dir); r != nil {
			return r
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil
		}
		dir = parent
	}
}

// tracks reports whether git has the file at path in its index. Such a file ships
// even when a git rule ignores it, as git itself has it: a rule is only about
// files that git does not know.
func (r *repository) tracks(path string) (bool, error) {
	if r == nil {
		return false, nil
	}
	err := r.readIndex()
	_, found := slices.BinarySearch(r.tracked.Files, path[r.cut:])
	return found, err
}

// tracksBelow reports whether git tracks a file somewhere in a directory.
func (r *repository) tracksBelow(dir string) (bool, error) {
	if r == nil {
		return false, nil
	}
	err := r.readIndex()
	dir = dir[r.cut:] + "/"
	return startsOne(r.tracked.Files, dir) || startsOne(r.tracked.Submodules, dir), err
}

// tracksSubmodule reports whether the directory is one of the repository's
// submodules.
func (r *repository) tracksSubmodule(dir string) (bool, error) {
	if r == nil {
		return false, nil
	}
	err := r.readIndex()
	_, found := slices.BinarySearch(r.tracked.Submodules, dir[r.cut:])
	return found, err
}

func startsOne(names []string, prefix string) bool {
	i, _ := slices.BinarySearch(names, prefix)
	return i < len(names) && strings.HasPrefix(names[i], prefix)
}

// readIndex reads the index when it is first asked for: where no rule leaves
// anything out, nobody asks.
func (r *repository) readIndex() error {
	r.read.Do(func() {
		file := filepath.Join(r.gitDir, "index")
		text, err := readText(file)
		if errors.Is(err, fs.ErrNotExist) {
			return // nothing was added yet
		}
		if err == nil {
			r.tracked, err = gitindex.Read(text)
		}
		if err != nil {
			r.err = fmt.Errorf("read %s: %w", file, err)
		}
	})
	return r.err
}

// readText reads a file that may be large, once.
func readText(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var text strings.Builder
	if info, err := f.Stat(); err == nil {
		text.Grow(int(info.Size()))
	}
	_, err = io.Copy(&text, f)
	return text.String(), err
}
