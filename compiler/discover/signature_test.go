package discover

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fngen.dev/fngen/compiler/ir"
)

// shapes are signatures and docstrings that a standard library has few of.
const shapes = `
def a(): 'one line'; return 1
def b(x, /): ("in" ' brackets')
def c(x, /, y, *, z): ''
def d(*args: int, **kw: "a # b"): f'no docstring'
def e(x=1, /, y=(2), *, z=(3, 4), w=lambda a, b=(1, 2), *c: {a: b}): b'no docstring'
async def f(x: dict[str, int]={'a': 1, 'b': [2]}, *, y: 'Optional[int]' = None): r"""\n raw"""
def g(
    x: int  # a comment with , and = and )
       | str = 5,  # another
    y = "a # b",
    *,
    z: (
        int
    ) = \
        7,
): """

    After blank lines,	a tab.

    More.
    """
def h(x: """two
lines""" = '''a
b'''): u'caf\u00e9 \x41'
def i(x=a if b else c, y: a[b:c, ...] = d[1:2], z=not a, *rest: a.b[c]): """ led by a blank
    second"""
def j(ünï: int=-1, x=a @ b ** -c, y=[i for i in range(3) if i], z=f"{a!r:>{w}}"): "" "second part"
def k(x: Annotated[int, Gt(0), "doc"] = Field(default=1, alias='y'), *y: *Ts): pass
`

// TestSignatures marks every function at the top level of a standard library
// with a Power, and has CPython compare the parameters, the text of annotations
// and defaults, and the first line of the docstring.
func TestSignatures(t *testing.T) {
	pythons := systemPython()
	if len(pythons) == 0 {
		t.Skip("no python3 with a standard library below /usr/lib on this machine")
	}
	python, lib, _ := strings.Cut(pythons[len(pythons)-1], "=")
	own := filepath.Join(t.TempDir(), "shapes.py")
	if err := os.WriteFile(own, []byte(shapes), 0o644); err != nil {
		t.Fatal(err)
	}
	var valid []string
	for _, row := range askOracle(t, python, append(pythonFiles(t, lib), own)) {
		if row.OK {
			valid = append(valid, row.Path)
		}
	}
	if !slices.Contains(valid, own) {
		t.Error("CPython refuses the shapes")
	}
	var in bytes.Buffer
	compared := 0
	for _, file := range valid {
		row := marked(t, file)
		row.All = file == own
		compared += len(row.Functions)
		if err := json.NewEncoder(&in).Encode(row); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(python, "testdata/signatures.py")
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("run %s: %v", python, err)
	}
	for line := range strings.Lines(string(out)) {
		t.Error(strings.TrimSpace(line))
	}
	t.Logf("%d functions of %d files compared", compared, len(valid))
}

type signatures struct {
	Path      string              `json:"path"`
	All       bool                `json:"all"`
	Functions []signatureOfMarked `json:"functions"`
}

type signatureOfMarked struct {
	Name       string         `json:"name"`
	Line       int            `json:"line"`
	Doc        string         `json:"doc"`
	Parameters []ir.Parameter `json:"parameters"`
}

// marked reads a file after a decorator was put above each def that it has at
// the left margin.
func marked(t *testing.T, file string) signatures {
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, facts := scanFacts(file, src)
	defs := map[int]bool{}
	for _, f := range facts {
		var line int
		if _, err := fmt.Sscanf(f, "def %d", &line); err == nil {
			defs[line] = true
		}
	}
	var out bytes.Buffer
	var added []int // the number of lines added up to each line
	n := 0
	for i, line := range bytes.SplitAfter(src, []byte("\n")) {
		if defs[i+1] && (bytes.HasPrefix(line, []byte("def ")) || bytes.HasPrefix(line, []byte("async def "))) {
			out.WriteString("@fngen.powers.task_worker\n")
			n++
		}
		out.Write(line)
		added = append(added, n)
	}
	s := newScanner(file, out.Bytes())
	s.bind("fngen", "fngen")
	s.scan(out.Bytes())
	row := signatures{Path: file, Functions: []signatureOfMarked{}}
	for _, u := range s.out.Uses {
		line := u.Line
		for i, n := range added {
			if i+1+n == u.Line {
				line = i + 1
			}
		}
		row.Functions = append(row.Functions, signatureOfMarked{u.Function, line, u.Doc, u.Parameters})
	}
	return row
}
