package discover

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// broken are faults that people make. CPython refuses each; so must we, on the
// same line.
var broken = []string{
	"def f(:\n    return 1\n",
	"x = foo(1, 2\ny = 3\n",
	"x = [1, 2\n\ndef f():\n    pass\n",
	"print((1 + 2)\n",
	"x = (1, 2]\n",
	"x = 1)\n",
	"a = {\n  'b': [1, 2),\n}\n",
	"def f()\n    pass\n",
	"class A\n    pass\n",
	"class A(B)\n    pass\n",
	"if x\n    pass\n",
	"if x: pass\nelse\n    pass\n",
	"if x:\n    pass\nelif y\n    pass\n",
	"for x in y\n    pass\n",
	"for x y in z:\n    pass\n",
	"while True\n    pass\n",
	"with open('x') as f\n    pass\n",
	"try\n    pass\nexcept A:\n    pass\n",
	"try:\n    pass\nexcept A\n    pass\n",
	"try:\n    pass\nfinally\n    pass\n",
	"try:\n    pass\nx = 1\n",
	"async def f()\n    pass\n",
	"@d\nx = 1\n",
	"x = 'abc\ny = 1\n",
	"x = \"abc\n",
	"x = '''abc\ny = 1\n",
	"x = f'{a\ny = 1\n",
	"x = f'{}'\n",
	"x = f'a}'\n",
	"def f():\nreturn 1\n",
	"def f():\n    x = 1\n      y = 2\n",
	"def f():\n    x = 1\n  y = 2\n",
	"  x = 1\ny = 2\n z = 3\n",
	"if x:\n\ty = 1\n        z = 2\n",
	"x = 5 5\n",
	"retrun x\n",
	"x = 1 +\n",
	"x =\n",
	"x = y z\n",
	"print 'hello'\n",
	"print x\n",
	"foo(1 2)\n",
	"foo(a b)\n",
	"x = [1 2 3]\n",
	"foo(, 1)\n",
	"foo(1,, 2)\n",
	"x = 1 + * 2 / / 3\n",
	"x = not\n",
	"x = a and\n",
	"import\n",
	"import os,\n",
	"from os import\n",
	"from import x\n",
	"import os sys\n",
	"if x = 5:\n    pass\n",
	"else:\n    pass\n",
	"elseif x:\n    pass\n",
	"x = 1\nexcept A:\n    pass\n",
	"def 1f():\n    pass\n",
	"def class():\n    pass\n",
	"def f:\n    pass\n",
	"x = $5\n",
	"x = a ? b : c\n",
	"x = 1;; y = 2\n",
	"x = “hello”\n",
	"x++\n",
	"if x: if y: pass\n",
	"x = return 5\n",
	"return return\n",
	"class A:\n    def f(self):\n        pass\n    def g(self)\n        pass\n",
	"x = {'a': 1 'b': 2}\n",
	"x = \\ 5\n",
	"def f(x):\n",
	"raise ValueError('x') from\n",
	"lambda x: x x\n",
	"x = 10L\n",
	"exec 'x'\n",
	"const x = 1\n",
	"let y = 2\n",
	"function f() {\n}\n",
	"x = a.\n",
	"a = b = \n",
	"assert\n",
	"del\n",
	"global x y\n",
	"with a as b c:\n    pass\n",
	"f(x for x in y z)\n",
	"x = [i for i in]\n",
	"def f(a b):\n    pass\n",
	"def f(a, b:\n    return a\n\ndef g():\n    pass\n",
	"app = FastAPI(\n\n@app.get('/')\ndef x():\n    return 1\n",
	"match x:\n    case 1\n        pass\n",
	"x: int 5\n",
	"import a.b.\n",
	"from . import a b\n",
	"switch x:\n    pass\n",
	"from os import , path\n",
	"from os import (path, , sep)\n",
	"import os, , sys\n",
	"def f(**):\n    pass\n",
}

func TestBroken(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for i, src := range broken {
		name := filepath.Join(dir, fmt.Sprintf("%03d.py", i))
		if err := os.WriteFile(name, []byte(src), 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
		if len(Scan("a.py", []byte(src)).Diagnostics) == 0 {
			t.Errorf("not refused: %q", src)
		}
	}
	pythons := systemPython()
	if len(pythons) == 0 {
		t.Log("no python3 on this machine: lines are not compared")
		return
	}
	python, _, _ := strings.Cut(pythons[len(pythons)-1], "=")
	for i, row := range askOracle(t, python, files) {
		if row.OK {
			t.Errorf("CPython takes it: %q", broken[i])
			continue
		}
		d := Scan("a.py", []byte(broken[i])).Diagnostics
		if len(d) > 0 && d[0].Line != row.Line {
			t.Errorf("line %d (%s), CPython: line %d (%s): %q", d[0].Line, d[0].Message, row.Line, row.Error, broken[i])
		}
		if len(d) > 1 {
			t.Errorf("one fault, %d diagnostics: %q: %v", len(d), broken[i], d)
		}
	}
}

var word = regexp.MustCompile(`\w+|[^\w\s]`)

// TestMutated drops, doubles and swaps single tokens of real files. What CPython
// still takes must not be refused and must give the same facts; of what it
// refuses, nearly all must be seen.
func TestMutated(t *testing.T) {
	pythons := systemPython()
	if len(pythons) == 0 {
		t.Skip("no python3 with a standard library below /usr/lib on this machine")
	}
	python, lib, _ := strings.Cut(pythons[len(pythons)-1], "=")
	r := rand.New(rand.NewPCG(2026, 11))
	var sources [][]byte
	for _, file := range pythonFiles(t, lib) {
		if src, err := os.ReadFile(file); err == nil && len(src) > 1000 && len(src) < 15000 {
			sources = append(sources, src)
		}
	}
	dir := t.TempDir()
	var files []string
	for i := range 400 {
		name := filepath.Join(dir, fmt.Sprintf("%03d.py", i))
		if err := os.WriteFile(name, mutate(r, sources[r.IntN(len(sources))]), 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	invalid, missed := 0, 0
	for _, row := range askOracle(t, python, files) {
		src, err := os.ReadFile(row.Path)
		if err != nil {
			t.Fatal(err)
		}
		module, facts := scanFacts(row.Path, src)
		if short := Scan(row.Path, src); !reflect.DeepEqual(short, module) {
			t.Errorf("the short way gives another result:\n%+v\n%+v", short, module)
		}
		switch broken := module.Broken(); {
		case !row.OK:
			invalid++
			if len(broken) == 0 {
				missed++
			}
		case len(broken) > 0:
			line := bytes.Split(src, []byte("\n"))[broken[0].Line-1]
			t.Errorf("valid file refused: %s: %s", broken[0].Message, line)
		case !slices.Equal(facts, row.Facts):
			t.Errorf("%s", difference(facts, row.Facts))
		}
	}
	t.Logf("%d files, %d invalid, %d of them not seen", len(files), invalid, missed)
	if missed*10 > invalid {
		t.Errorf("%d of %d invalid files are not seen", missed, invalid)
	}
}

func mutate(r *rand.Rand, src []byte) []byte {
	words := word.FindAllIndex(src, -1)
	at, other := words[r.IntN(len(words))], words[r.IntN(len(words))]
	text := src[other[0]:other[1]]
	var out []byte
	switch r.IntN(3) {
	case 0: // drop
		out = append(out, src[:at[0]]...)
	case 1: // swap
		out = append(append(out, src[:at[0]]...), text...)
	default: // add
		out = append(append(append(out, src[:at[1]]...), ' '), text...)
		out = append(out, ' ')
	}
	return append(out, src[at[1]:]...)
}
