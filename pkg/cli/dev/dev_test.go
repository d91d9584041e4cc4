package dev

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestDevVariables reads a .env file as set_env does, and shows nothing of one that it
// refuses.
func TestDevVariables(t *testing.T) {
	root := t.TempDir()
	d := &devRun{root: root}
	if got, err := d.variables(); got != nil || err != nil {
		t.Errorf("without a file: %q, %v", got, err)
	}
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(root, ".env"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# of the shop\nA=1\nexport B='x # y'\nC=\"two\\nlines\" # a remark\n")
	if got, err := d.variables(); err != nil || !slices.Equal(got, []string{"A=1", "B=x # y", "C=two\nlines"}) {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"B=\"secret", "secret", "FNGEN_PORT=secret"} {
		write("A=1\n" + bad + "\n")
		if got, err := d.variables(); got != nil || err == nil || !strings.Contains(err.Error(), ".env:2") || strings.Contains(err.Error(), "=secret") {
			t.Errorf("%q: %q, %v", bad, got, err)
		}
	}
	if d.options.Env = filepath.Join(root, "none"); true {
		if _, err := d.variables(); err == nil {
			t.Error("a file that is named and not there is fine")
		}
	}
}
