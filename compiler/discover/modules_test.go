package discover

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
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
