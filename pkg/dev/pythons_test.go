package dev

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var uvTime = time.Unix(1_000_000_000, 0)

// TestPythonsAreAskedOnce asks uv again only where there may be another Python.
func TestPythonsAreAskedOnce(t *testing.T) {
	root, bin := t.TempDir(), t.TempDir()
	t.Setenv("PATH", bin)
	uv := filepath.Join(t.TempDir(), "uv")
	answer := func(versions string) {
		t.Helper()
		// Renamed, so that the file is another one.
		err := os.WriteFile(uv+".part", []byte("#!/bin/sh\n"+`echo '[{"implementation": "pypy", "version_parts": {"major": 3, "minor": 10}}, `+versions+`]'`+"\n"), 0o700)
		if err == nil {
			err = os.Rename(uv+".part", uv)
		}
		if err == nil {
			err = os.Chtimes(uv, uvTime, uvTime)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	see := func(what string, want ...string) {
		t.Helper()
		got, err := Pythons(t.Context(), uv, root)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	answer(`{"implementation": "cpython", "version_parts": {"major": 3, "minor": 11}}`)
	see("the first time", "3.11")
	answer(`{"implementation": "cpython", "version_parts": {"major": 3, "minor": 12}}`)
	see("again", "3.11")
	if err := os.WriteFile(filepath.Join(bin, "python3.12"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	see("with another file on PATH", "3.12")
}
