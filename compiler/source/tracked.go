package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/source/gitindex"
)

// tracked are the files that git has in its index, relative to the root and
// sorted. They ship even when a git rule ignores them, as git itself has it: a
// rule is only about files that git does not know.
type tracked []string

// readTracked reads the index of the repository that root lies in; outside of
// one there are none.
func readTracked(root string) (tracked, error) {
	top, ok := repository(root)
	if !ok {
		return nil, nil
	}
	file := filepath.Join(workTreeGitDir(top), "index")
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // nothing was added yet
	}
	if err != nil {
		return nil, fmt.Errorf("read git index: %w", err)
	}
	names, err := gitindex.Names(data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w (does `git status` work here?)", file, err)
	}
	rel, err := filepath.Rel(top, root)
	if err != nil || rel == "." {
		return names, nil
	}
	prefix := filepath.ToSlash(rel) + "/"
	var out tracked
	for _, name := range names {
		if below, ok := strings.CutPrefix(name, prefix); ok {
			out = append(out, below)
		}
	}
	return out, nil
}

// has reports whether git tracks the file at path.
func (t tracked) has(path string) bool {
	_, found := slices.BinarySearch(t, path)
	return found
}

// below reports whether git tracks a file somewhere in a directory.
func (t tracked) below(dir string) bool {
	i, _ := slices.BinarySearch(t, dir+"/")
	return i < len(t) && strings.HasPrefix(t[i], dir+"/")
}
