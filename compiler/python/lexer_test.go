package python

import (
	"strings"
	"testing"
)

// TestLexer cuts sources into logical lines. CPython is the oracle of the tests in
// compiler/discover; this one shows what a line is.
func TestLexer(t *testing.T) {
	for _, test := range []struct{ name, src, want, fault string }{
		{"one line", "x = f'{y!r}'  # why\n", "x|=|f'{y!r}'", ""},
		{"brackets join lines", "f(1,\n  2)\ng\n", "f|(|1|,|2|)\ng", ""},
		{"a backslash joins lines", "x = \\\n  1\n", "x|=|1", ""},
		{"blank lines and comments are none", "\n  # here\n\nx\n", "x", ""},
		{"an open bracket", "x = (1\ny = 2\n", "x|=|(|1|y|=|2", "FN1201"},
		{"an open string", "x = 'a\n", "x|=", "FN1203"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var lx Lexer
			lx.Reset([]byte(test.src))
			var lines []string
			keep := func() {
				var line []string
				for _, tok := range lx.Tokens {
					line = append(line, string(lx.Text(tok)))
				}
				lines = append(lines, strings.Join(line, "|"))
			}
			for lx.Next() {
				keep()
			}
			fault := ""
			if lx.Err != nil {
				fault = lx.Err.Code
				keep()
			}
			if got := strings.Join(lines, "\n"); got != test.want || fault != test.fault {
				t.Errorf("lines %q, fault %q", got, fault)
			}
		})
	}
}

// TestNeighbours refuses what no Python reads, at the token that is wrong.
func TestNeighbours(t *testing.T) {
	for src, at := range map[string]string{"x = 1 2": "2", "a . 5": "5", "f(, x)": ",", "x = y": "", "print(x)": ""} {
		var lx Lexer
		lx.Reset([]byte(src))
		if !lx.Next() {
			t.Fatalf("%q: %v", src, lx.Err)
		}
		got := ""
		if fault := lx.Neighbours(lx.Tokens); fault != nil {
			got = src[fault.Pos : fault.Pos+fault.Width]
		}
		if got != at {
			t.Errorf("%q is refused at %q, want %q", src, got, at)
		}
	}
}
