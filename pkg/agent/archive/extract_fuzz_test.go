package archive

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/agent/agenttest"
)

func FuzzExtractTree(f *testing.F) {
	f.Add(agenttest.Archive(f, agenttest.Entry{Name: "a/b.py", Content: "x"}, agenttest.Entry{Name: "c", Mode: 0o755}), false)
	f.Add([]byte("a/../../b"), true)
	f.Add([]byte("a\x00b"), true)
	f.Fuzz(func(t *testing.T, data []byte, asName bool) {
		var m source.Manifest
		inside, err := extracted(t, data, asName, func(root *os.Root, r io.Reader) (err error) {
			m, err = ExtractTree(root, -1, r, nil)
			return err
		})
		if err != nil {
			return
		}
		if onDisk, err := ManifestOf(inside, nil); err != nil || onDisk.Digest() != m.Digest() {
			t.Errorf("on disk is %s (%v), the manifest says %s", onDisk.Digest(), err, m.Digest())
		}
	})
}

var storedAt = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func FuzzExtractStatic(f *testing.F) {
	f.Add(agenttest.Archive(f, agenttest.Entry{Name: "css/", Kind: tar.TypeDir}, agenttest.Entry{Name: "css/a.css", Content: "x"}), false)
	f.Add(agenttest.Archive(f, agenttest.Entry{Name: "a", Link: "/etc", Kind: tar.TypeSymlink}, agenttest.Entry{Name: "a/b", Content: "x"}), false)
	f.Add([]byte("a/../../b"), true)
	f.Fuzz(func(t *testing.T, data []byte, asName bool) {
		inside, _ := extracted(t, data, asName, func(root *os.Root, r io.Reader) error {
			return ExtractStatic(root, -1, r, storedAt)
		})
		err := filepath.WalkDir(inside, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !d.Type().IsRegular() {
				t.Errorf("%s is a %s", path, d.Type())
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// extracted extracts an archive, or one with a file that data names: bytes make a
// name at once, instead of a valid archive by luck. It returns the directory, beside
// which there must be nothing.
func extracted(t *testing.T, data []byte, asName bool, extract func(*os.Root, io.Reader) error) (string, error) {
	if asName {
		data = archiveOfName(t, string(data))
	}
	dir := t.TempDir()
	inside := filepath.Join(dir, "in")
	if err := os.Mkdir(inside, 0o750); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(inside)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	err = extract(root, bytes.NewReader(data))
	if outside, _ := os.ReadDir(dir); len(outside) != 1 {
		t.Errorf("wrote outside of the root: %v", outside)
	}
	return inside, err
}
