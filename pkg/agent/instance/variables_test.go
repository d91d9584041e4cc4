package instance

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/agent/environ"
)

func TestParseVariables(t *testing.T) {
	got, err := parseVariables([]byte(`{"B":"2\n\u003c$HOME ż\u0001","A":"", ".mark":7,"a.b":"x=y"}`))
	if want := (environ.Vars{"A=", "B=2\n<$HOME ż\x01", "a.b=x=y"}); err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	for text, want := range map[string]string{
		`null`:                  "",
		``:                      "not an object",
		`["canary"]`:            "not an object",
		`{"A":"canary`:          "not an object",
		`{"A":17}`:              "A is not a text",
		`{"A":null}`:            "A is not a text",
		`{"A":{"b":"canary"}}`:  "A is not a text",
		`{"":"canary"}`:         `"" cannot be the name`,
		`{"A=B":"canary"}`:      `"A=B" cannot be the name`,
		`{"A":"canary\u0000x"}`: "A holds a NUL",
	} {
		out, err := parseVariables([]byte(text))
		if want == "" && err == nil && len(out) == 0 {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %q, %v", text, out, err)
		}
	}
}

// A function that has variables is not started without them.
func TestNoVariables(t *testing.T) {
	fn := Function{env: "3", EnvFile: filepath.Join(t.TempDir(), "none")}
	if got, err := fn.variables(); err == nil {
		t.Errorf("%q", got)
	}
	fn.env = ""
	if got, err := fn.variables(); err != nil || got != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// FuzzParseVariables: whatever somebody has written into Vault either is an
// environment that a program can have, or is refused.
func FuzzParseVariables(f *testing.F) {
	for _, s := range []string{`{"A":"b"}`, `{"A":"b\u0000"}`, `{"=":""}`, `{".m":"","B":"="}`, `[]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := parseVariables(data)
		if err != nil {
			return
		}
		for _, v := range out {
			if at := strings.IndexByte(v, '='); at < 1 || strings.Contains(v, "\x00") {
				t.Errorf("%q of %q", v, data)
			}
		}
	})
}
