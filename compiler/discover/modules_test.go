package discover

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree is a few files by path.
type tree map[string]string

func (t tree) modules() *Modules {
	var files []string
	for name := range t {
		files = append(files, name)
	}
	return NewModules(files, func(file string) ([]byte, error) {
		src, ok := t[file]
		if !ok {
			return nil, fs.ErrNotExist
		}
		return []byte(src), nil
	})
}

// Whatever files import from each other, following their names ends, and the
// second reading of a file finds no fewer Powers than the first.
func FuzzModules(f *testing.F) {
	for _, seed := range [][3]string{
		{"from fngen.powers import webapp as web\n", "from .deco import web\n", "from app import web\n@web('flask')\ndef a(): pass\n"},
		{"from app import *\nfrom b import *\n__all__ = ['web']\n", "from .deco import *\nfrom . import deco\nimport app.deco\n", "from app.deco import *\nX = deco.X\n@app.deco.web(X, health=deco.Y)\ndef a(): pass\n"},
		{"from b import web\nX = 'flask'\n", "from app import deco\nfrom deco import deco\n", "import app as b, app.deco\nweb = b.deco.web\n@web\n@b.web\n@b.deco.b.deco\ndef a(): pass\n"},
		{"try:\n  from fngen.powers import *\nexcept X: web = webapp\n", "if x: from .deco import webapp as w\nelse:\n  w = 5\n__all__ += ['w']\n__all__.extend(('a', 'b'))\n", "from app import w, X\n@w(X)\ndef a(): pass\nw('flask')(a)\n"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, deco, app, main string) {
		m := tree{"app/deco.py": deco, "app/__init__.py": app, "b.py": main}.modules()
		first := Scan("b.py", []byte(main))
		m.Concerns(first)
		if again := m.Again("b.py", []byte(main)); len(again.Uses) < len(first.Uses) {
			t.Errorf("%d uses, then %d", len(first.Uses), len(again.Uses))
		}
	})
}

// A tree that is made to cost must not: stars between all files, and a chain of
// them that is longer than any stack.
func TestHostileModules(t *testing.T) {
	stars, chain := tree{}, tree{}
	var all, names strings.Builder
	for i := range 200 {
		fmt.Fprintf(&all, "from m%d import *\n", i)
		fmt.Fprintf(&names, "n%d = 1\n", i)
	}
	for i := range 200 {
		stars[fmt.Sprintf("m%d.py", i)] = all.String() + strings.ReplaceAll(names.String(), "n", fmt.Sprintf("a%d_", i))
	}
	for i := range 100_000 {
		chain[fmt.Sprintf("m%d.py", i)] = fmt.Sprintf("from m%d import *\nfrom m%d import web\n", i+1, i+1)
	}
	var powers strings.Builder
	powers.WriteString("from fngen.powers import webapp\n")
	for i := range 30 {
		fmt.Fprintf(&powers, "N%d = [%s]\n", i, strings.Repeat(fmt.Sprintf("N%d, ", i+1), 900))
	}
	powers.WriteString("SELF = SELF\n@webapp(N0, health=SELF)\ndef f(): pass\n")
	if d := Scan("a.py", []byte(powers.String())).Diagnostics; len(d) != 2 {
		t.Errorf("lists of lists: %v", d)
	}
	main := "from m0 import *\n@web('flask')\ndef f(): pass\n"
	for _, tree := range []tree{stars, chain} {
		m := tree.modules()
		if m.Concerns(Scan("main.py", []byte(main))) || len(m.Again("main.py", []byte(main)).Uses) > 0 {
			t.Error("a Power was found where none is")
		}
	}
}

// TestImportsOracle compares the imports that always run with those that CPython's
// parser has at the top level of every file of its library.
func TestImportsOracle(t *testing.T) {
	pairs := systemPython()
	if len(pairs) == 0 {
		t.Skip("no python3 with a standard library below /usr/lib on this machine")
	}
	python, lib, _ := strings.Cut(pairs[len(pairs)-1], "=")
	cmd := exec.Command(python, "testdata/imports.py")
	cmd.Stdin = strings.NewReader(strings.Join(pythonFiles(t, lib), "\x00"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("run %s: %v%s", python, err, stderr(err))
	}
	files, imports := 0, 0
	for line := range strings.Lines(string(out)) {
		var row oracleRow
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		src, err := os.ReadFile(row.Path)
		if err != nil {
			t.Fatal(err)
		}
		files++
		imports += len(row.Facts)
		got := []string{}
		for _, i := range ImportsOf(row.Path, src).List {
			got = append(got, fmt.Sprintf("%d %s %v", i.Place.Line, i.Module, i.Names))
		}
		if len(got)+len(row.Facts) > 0 && !sameButFor(got, row.Facts) {
			t.Errorf("%s: -CPython +ours:\n%s", row.Path, cmp.Diff(row.Facts, got))
		}
	}
	t.Logf("%s: %d imports of %d files are the same", lib, imports, files)
}

// sameButFor compares without line numbers: CPython gives that of the statement, we
// that of the module.
func sameButFor(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		_, x, _ := strings.Cut(a[i], " ")
		_, y, _ := strings.Cut(b[i], " ")
		if x != y {
			return false
		}
	}
	return true
}

func FuzzImportsOf(f *testing.F) {
	f.Add([]byte("import a.b as c, d; from .e import (f, g as h,)\nfrom . import *\ntry: import i\nexcept: pass\nlazy import j\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, i := range ImportsOf("a.py", src).List {
			if strings.Trim(i.Module, ".") == "" && i.Names == nil || i.Place.Line < 1 || i.Place.Width < 1 {
				t.Errorf("bad import %+v", i)
			}
		}
		Bound("a.py", src)("x")
	})
}
