package sdk

import (
	"io/fs"
	"os"
	"path"
	"testing"
)

// TestAllSourcesAreEmbedded finds a file that the patterns leave out.
func TestAllSourcesAreEmbedded(t *testing.T) {
	n := 0
	err := fs.WalkDir(os.DirFS("."), "src/fngen", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".py" {
			return err
		}
		n++
		if _, err := fs.Stat(Sources, name); err != nil {
			t.Error(err)
		}
		return nil
	})
	if err != nil || n < 10 {
		t.Fatalf("%d files, %v", n, err)
	}
}
