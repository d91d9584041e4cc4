package program

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"fngen.dev/fngen/pkg/agent/archive"
)

// TestCopyTree keeps what a tree has: contents, modes and times.
func TestCopyTree(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "to")
	for name, mode := range map[string]fs.FileMode{"a/b": 0o640, "a/run": 0o750, "c": 0o640} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(from, name)), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(from, name), []byte(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	n, err := CopyTree(from, to, 0, -1, 6)
	if err != nil || n != 3 {
		t.Fatalf("copied %d files, %v", n, err)
	}
	want, err := archive.ManifestOf(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := archive.ManifestOf(to, nil); err != nil || got.Digest() != want.Digest() {
		t.Errorf("%v, %v", got, err)
	}
	if n, err := CopyTree(from, to+"-small", 0, -1, 1); err != nil || n != 1 {
		t.Errorf("copied %d files of one byte, %v", n, err)
	}
	a, err := os.Stat(from + "/a/run")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.Stat(to + "/a/run"); err != nil || !a.ModTime().Equal(b.ModTime()) {
		t.Errorf("%v, %v", b, err)
	}
}
