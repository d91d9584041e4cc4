package postmortem

import (
	"strings"
	"testing"
	"testing/fstest"

	"fngen.dev/fngen/compiler/source"
)

// TestBlame gives words that uv has been seen to say, wrapped as it wraps them.
func TestBlame(t *testing.T) {
	tree := source.Tree{FS: fstest.MapFS{
		"requirements.txt": {Data: []byte("# the web\nfastapi==999.0.0\nuvicorn\n-r more.txt\n")},
		"more.txt":         {Data: []byte("No_Such.Package>=2  # ours\r\n")},
	}}
	tree.Files = []source.File{{Path: "more.txt"}, {Path: "requirements.txt"}}
	files := []string{"requirements.txt", "more.txt"}
	for _, c := range []struct {
		name, output string
		file         string
		line         int
	}{
		{"version", "  × No solution found when resolving dependencies:\n  ╰─▶ Because there is no version of fastapi==999.0.0 and you require\n      fastapi==999.0.0, we can conclude that your requirements are unsatisfiable.", "requirements.txt", 2},
		{"name", "  ╰─▶ Because no-such-package was not found in the package registry and you\n      require no-such-package>=2, we can conclude", "more.txt", 1},
		{"build", "   Building uvicorn==1.0\nerror: Failed to build `no-such.package==2.1`\n  running build of fastapi", "more.txt", 1},
		{"neither", "error: Failed to fetch", "requirements.txt", 0},
	} {
		got := OfBuild(tree, files, "3.11", strings.Split(c.output, "\n"))
		if len(got) != 1 || got[0].File != c.file || got[0].Line != c.line {
			t.Errorf("%s: got %+v", c.name, got)
		}
	}
}

// TestBlameOfGit holds that a fault with a place is believed only where the tree takes
// something from a repository: a setup.py of the tree can print such lines, too.
func TestBlameOfGit(t *testing.T) {
	tree := source.Tree{FS: fstest.MapFS{
		"requirements.txt": {Data: []byte("fastapi\none @ git+https://example.com/one.git@v1\n")},
		"app.py":           {Data: []byte("x = 1\n")},
	}}
	tree.Files = []source.File{{Path: "app.py"}, {Path: "requirements.txt"}}
	for _, c := range []struct {
		line, code string
		at         int
	}{
		{"fngen-agent: build failed: requirements.txt:2:1: error[FN2003]: the repository has no branch v1", "FN2003", 2},
		{"fngen-agent: build failed: requirements.txt:1:1: error[FN2003]: not from a repository", "FN2001", 0},
		{": requirements.txt:99:1: error[FN2003]: there is no such line", "FN2001", 0},
		{": requirements.txt:2:70000: error[FN2003]: nor such a column", "FN2001", 0},
		{": requirements.txt:99999999999999999999:1: error[FN2003]: nor such a number", "FN2001", 0},
		{": app.py:1:1: error[FN2005]: that names no requirement", "FN2001", 0},
		{": ../../etc/passwd:1:1: error[FN2003]: that is not in the tree", "FN2001", 0},
		{": requirements.txt:2:1: error[FN2001]: of another kind", "FN2001", 0},
	} {
		got := OfBuild(tree, []string{"requirements.txt"}, "3.11", []string{c.line})
		if len(got) != 1 || got[0].Code != c.code || got[0].File != "requirements.txt" || got[0].Line != c.at {
			t.Errorf("%s: got %+v", c.line, got)
		}
	}
	long := OfBuild(tree, []string{"requirements.txt"}, "3.11", []string{": requirements.txt:2:1: error[FN2003]: " + strings.Repeat("x", 1<<20), ": requirements.txt:2:1: error[FN2003]: again"})
	if len(long) != 1 || len(long[0].Message) > maxFault {
		t.Errorf("%d faults, the first of %d bytes", len(long), len(long[0].Message))
	}
}
