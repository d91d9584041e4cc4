package postmortem

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/cause"
)

// TestEnded holds the words for what no traceback tells.
func TestEnded(t *testing.T) {
	servers := []ir.Server{{Name: "web", Size: "s"}}
	for want, f := range map[string]nomad.Failure{
		"it took more memory than its server has and was killed (web is of size s, with 1024 MB)": {ExitCode: 137, OutOfMemory: true, Group: "web"},
		"it was ended by SIGSEGV, a crash in code that is not Python":                             {ExitCode: 139},
		"it was ended by signal 99":                                                     {ExitCode: 128 + 99},
		"it exited with code 7 after 3 s, and did not say why":                          {ExitCode: 7, Started: time.Unix(1, 0), Ended: time.Unix(4, 0)},
		"it ended by itself, with exit code 0; a web app runs until it is told to stop": {},
		"": {ExitCode: -1},
	} {
		if got := Ended(&f, servers); got != want {
			t.Errorf("%+v: %s, want %s", f, got, want)
		}
	}
}

// TestLastRun holds that a restart is not told twice, nor a traceback that the
// diagnostic has.
func TestLastRun(t *testing.T) {
	one := "connecting\nTraceback (most recent call last):\n  File \"app.py\", line 1, in <module>\nKeyError: 'a'\n\nDuring handling of the above exception, another exception occurred:\n\n" +
		"Traceback (most recent call last):\nValueError: b\nfngen: app.py could not be imported: ValueError: b\nfngen-agent: app ended with exit code 1\n"
	request := "Traceback (most recent call last):\nKeyError: 'x'\n"
	for name, test := range map[string]struct {
		lines string
		found *cause.Cause
		want  string
	}{
		"unknown":            {"fngen-agent: fetched tree x\na\nfngen-agent: app ended with exit code 7\nfngen-agent: fetched tree x\nb\nfngen-agent: app ended with exit code 7\n", nil, "b\nfngen-agent: app ended with exit code 7\n"},
		"known, one frame":   {one + one, &cause.Cause{Kind: cause.Import}, "connecting\n"},
		"known, more frames": {one + one, &cause.Cause{Kind: cause.Import, Frames: make([]cause.Frame, 2)}, strings.Join(strings.SplitAfter(one, "\n")[:9], "")},
		"checks":             {request + request, &cause.Cause{Kind: cause.Request, Frames: make([]cause.Frame, 2)}, request},
		"checks, one frame":  {request + request, &cause.Cause{Kind: cause.Request}, ""},
		"nothing":            {"", nil, ""},
	} {
		lines := strings.Split(strings.TrimSuffix(test.lines, "\n"), "\n")
		if test.lines == "" {
			lines = nil
		}
		got := strings.Join(LastRun(lines, test.found), "\n")
		if got != "" {
			got += "\n"
		}
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%s: -want +got:\n%s", name, d)
		}
	}
	if got := Once([]string{"at 1", "x", "at 2", "x"}); !cmp.Equal(got, []string{"at 2", "x"}) {
		t.Errorf("%v", got)
	}
	if got := Once([]string{"a", "b", "a"}); len(got) != 3 {
		t.Errorf("%v", got)
	}
}

func TestAgentCause(t *testing.T) {
	for want, f := range map[string]nomad.Failure{
		"start app: this node lacks a part of Python 3.13": {ExitCode: 1, Stderr: []string{"fngen-agent: fetched tree x", "fngen-agent: start app: this node lacks a part of Python 3.13"}},
		"": {ExitCode: 7, Stderr: []string{"fngen-agent: fetched tree x", "fngen-agent: copied the code", "hello", "fngen-agent: app ended with exit code 7"}},
	} {
		if got := OfAgent(&f); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestPoint(t *testing.T) {
	for _, test := range []struct {
		excerpt, about string
		column, width  int
	}{
		{"import pandas as pd", "pandas", 8, 6},
		{"from google.cloud import storage", "google.cloud", 6, 12},
		{"from google import cloud", "google.cloud", 6, 6},
		{"    x = load()  ", "", 5, 10},
		{"", "pandas", 0, 0},
	} {
		d := diag.Diagnostic{Excerpt: test.excerpt}
		if point(&d, test.about); d.Column != test.column || d.Width != test.width {
			t.Errorf("%q: %d, %d", test.excerpt, d.Column, d.Width)
		}
	}
}

// TestOfBatch holds that a job that ends is explained by what its agent said last.
func TestOfBatch(t *testing.T) {
	failed := &nomad.Failure{Reason: "it failed", ExitCode: 3}
	for want, printed := range map[string][]string{
		"it exited with code 9":      {"fngen-agent: other", "fngen-agent: the task workers cannot be imported: it exited with code 9", "and more"},
		"Python was killed":          {"fngen-agent: the static files cannot be collected: Python was killed"},
		"fetch tree: no answer":      {"fngen-agent: fetch tree: no answer"},
		"it failed with exit code 3": {"words of the program"},
	} {
		if got := OfBatch(failed, printed); got != want {
			t.Errorf("%q: %q, want %q", printed, got, want)
		}
	}
	if got := OfBatch(&nomad.Failure{Reason: "its server went out of reach", ExitCode: -1}, nil); got != "its server went out of reach" {
		t.Errorf("%q", got)
	}
}
