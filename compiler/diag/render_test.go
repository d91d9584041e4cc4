package diag

import (
	"strings"
	"testing"
)

func TestRender(t *testing.T) {
	var l List
	l.Add(Diagnostic{
		Code: "FN1308", Message: "unknown framework \"x\x1b[31m\"", File: "app\n.py", Line: 2, Column: 10, Width: 3,
		Excerpt: "\té = f('x\x07')", Help: "first\n\nsecond",
		Notes: []Note{{Message: "the other", File: "b.py", Line: 3, Column: 1}, {Message: "no place"}},
	})
	l.Add(Diagnostic{Code: "FN1010", Severity: Warning, Message: "only a file", File: "c.py"})
	l.Add(Diagnostic{Code: "FN1319", Message: "no place"})
	want := `app<000a>.py:2:10: error[FN1308]: unknown framework "x<001b>[31m"
        é = f('x<0007>')
               ^^^^^^^^
  note: b.py:3:1: the other
  note: no place
  help: first

    second
c.py: warning[FN1010]: only a file
error[FN1319]: no place
`
	var got strings.Builder
	if err := Render(&got, l, false); err != nil {
		t.Fatal(err)
	}
	if got.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
	}
	got.Reset()
	if err := Render(&got, l, true); err != nil {
		t.Fatal(err)
	}
	for _, esc := range []string{red + "error[FN1308]" + reset, yellow + "warning[FN1010]" + reset, cyan + "note:" + reset} {
		if !strings.Contains(got.String(), esc) {
			t.Errorf("no %q in %q", esc, got.String())
		}
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{
		"framwork": "framework", "helth": "health", "cuont": "count", "xyz": "", "Server": "server", "r": "", "naem": "name",
	} {
		if got := Nearest(name, []string{"framework", "health", "count", "server", "region", "name"}); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}
