package discover

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
