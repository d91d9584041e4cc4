//go:build unix

package dev

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFindUV gets uv by pip once, and says why where it cannot.
func TestFindUV(t *testing.T) {
	bin, root, said := t.TempDir(), t.TempDir(), 0
	t.Setenv("PATH", bin)
	getenv := func(string) string { return "" }
	say := func(string, ...any) { said++ }
	if _, err := FindUV(t.Context(), root, getenv, say); !errors.Is(err, ErrNoUV) {
		t.Errorf("without a Python: %v", err)
	}
	script := func(text string) {
		if err := os.WriteFile(filepath.Join(bin, "python3"), []byte("#!/bin/sh\n"+text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	script("echo no index >&2; exit 1\n")
	if _, err := FindUV(t.Context(), root, getenv, say); !errors.Is(err, ErrNoUV) || !strings.Contains(err.Error(), "no index") {
		t.Errorf("with a pip that fails: %v", err)
	}
	script(`while [ "$1" != --target ]; do shift; done; /bin/mkdir -p "$2/bin" && : > "$2/bin/uv"` + "\n")
	for range 2 {
		path, err := FindUV(t.Context(), root, getenv, say)
		if err != nil || path != filepath.Join(root, ".fngen", "dev", "uv", "bin", "uv") {
			t.Errorf("%q, %v", path, err)
		}
	}
	if said != 3 {
		t.Errorf("it said %d times that it installs", said)
	}
	if path, err := FindUV(t.Context(), root, func(string) string { return "/my/uv" }, say); path != "/my/uv" || err != nil {
		t.Errorf("%q, %v", path, err)
	}
}
