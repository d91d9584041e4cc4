package source_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"fngen.dev/fngen/compiler/source"
)

// In a linked work tree .git is a file, and the excludes are the repository's.
func TestLinkedWorkTree(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "main/.git/info/exclude"), "*.log\n")
	put(t, filepath.Join(dir, "main/.git/worktrees/w/commondir"), "../..\n")
	put(t, filepath.Join(dir, "w/.git"), "gitdir: ../main/.git/worktrees/w\n")
	put(t, filepath.Join(dir, "w/app/a.log"), "")
	put(t, filepath.Join(dir, "w/app/a.py"), "")
	if got := included(t, filepath.Join(dir, "w/app"), ""); len(got) != 1 || got[0] != "a.py" {
		t.Errorf("ships %v", got)
	}
	s, err := source.Scan(context.Background(), filepath.Join(dir, "w/app"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range s.Decisions {
		if d.Path == "a.log" && d.Source != "../../main/.git/info/exclude" {
			t.Errorf("decided by %+v", d)
		}
	}
}

// The digest is that of names, modes and contents, and of nothing else.
func TestDigest(t *testing.T) {
	digest := func(files ...string) string {
		dir := t.TempDir()
		for i := 0; i < len(files); i += 2 {
			put(t, filepath.Join(dir, files[i]), files[i+1])
		}
		s, err := source.Scan(context.Background(), dir)
		if err != nil {
			t.Fatal(err)
		}
		return s.Digest()
	}
	one := digest("a.py", "1", "b/c.py", "2")
	if !strings.HasPrefix(one, "sha256:") || one != digest("b/c.py", "2", "a.py", "1", "__pycache__/x.pyc", "3") {
		t.Error("the same files give another digest")
	}
	if one == digest("a.py", "2", "b/c.py", "1") || one == digest("a.py", "1", "b/d.py", "2") {
		t.Error("other files give the same digest")
	}
}

func TestNotATree(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "a.txt"), "")
	for _, path := range []string{filepath.Join(dir, "a.txt"), filepath.Join(dir, "nowhere")} {
		if _, err := source.Scan(context.Background(), path); err == nil {
			t.Errorf("%s is scanned", path)
		}
	}
}
