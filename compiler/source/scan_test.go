package source_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"fngen.dev/fngen/compiler/source"
)

// The digest is that of names, modes and contents, and of nothing else.
func TestDigest(t *testing.T) {
	digest := func(files ...string) string {
		dir := t.TempDir()
		for i := 0; i < len(files); i += 2 {
			put(t, filepath.Join(dir, files[i]), files[i+1])
		}
		s, err := source.Scan(context.Background(), dir, source.Options{})
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
		if _, err := source.Scan(context.Background(), path, source.Options{}); err == nil {
			t.Errorf("%s is scanned", path)
		}
	}
}
