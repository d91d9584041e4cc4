package disk

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/agent/console"
)

// TestDisk adds up what a program has, however it hides it.
func TestDisk(t *testing.T) {
	write := func(t *testing.T, path string, size int) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, bytes.Repeat([]byte("x"), size), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		fill func(t *testing.T, dir string)
		full bool
	}{
		"nothing":         {func(*testing.T, string) {}, false},
		"little":          {func(t *testing.T, dir string) { write(t, dir+"/a/b", 100<<10) }, false},
		"much":            {func(t *testing.T, dir string) { write(t, dir+"/a/b/c", 2<<20) }, true},
		"much in many":    {func(t *testing.T, dir string) { manyFiles(t, dir, 100) }, true},
		"a hole":          {func(t *testing.T, dir string) { write(t, dir+"/a", 1); truncate(t, dir+"/a", 1<<40) }, false},
		"one, many times": {func(t *testing.T, dir string) { write(t, dir+"/a", 800<<10); linkMany(t, dir+"/a", 10) }, false},
		"behind a link": {func(t *testing.T, dir string) {
			other := t.TempDir()
			write(t, other+"/a", 2<<20)
			if err := os.Symlink(other, dir+"/link"); err != nil {
				t.Fatal(err)
			}
		}, false},
		"too deep": {func(t *testing.T, dir string) {
			if err := os.MkdirAll(dir+strings.Repeat("/d", maxNesting+2), 0o755); err != nil {
				t.Fatal(err)
			}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			test.fill(t, dir)
			d := &Quota{Limit: 1 << 20, UID: os.Getuid(), At: dir, Log: console.Logger{W: os.Stderr}}
			defer d.Close()
			err := d.Open(dir)
			if (err != nil) != test.full {
				t.Errorf("full: %v", err)
			}
		})
	}
}

func manyFiles(t *testing.T, dir string, n int) {
	for range n {
		f, err := os.CreateTemp(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}

func truncate(t *testing.T, path string, size int64) {
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

func linkMany(t *testing.T, path string, n int) {
	for i := range n {
		if err := os.Link(path, path+strings.Repeat("x", i+1)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDiskIsNotAddedUpForNothing: as long as the disk has not filled, nobody reads
// directories.
func TestDiskIsNotAddedUpForNothing(t *testing.T) {
	dir := t.TempDir()
	d := &Quota{Limit: 1 << 40, At: dir}
	defer d.Close()
	if err := d.Open(dir); err != nil {
		t.Fatal(err)
	}
	before := d.next
	if full, err := d.full(time.Now().Add(time.Hour)); full || err != nil || !d.next.Equal(before) {
		t.Errorf("full: %t, %v; added up again: %t", full, err, !d.next.Equal(before))
	}
}

// TestHaveRoom says in words what is missing.
func TestHaveRoom(t *testing.T) {
	if err := HaveRoom(t.TempDir(), 0); err != nil {
		t.Error(err)
	}
	err := HaveRoom(t.TempDir(), 1<<60)
	if err == nil || !strings.Contains(err.Error(), "the disk of this server is full: ") || !strings.Contains(err.Error(), "MB are needed") {
		t.Errorf("error is %v", err)
	}
}
