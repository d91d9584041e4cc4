package deploy

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
		got := blame(tree, files, "3.11", strings.Split(c.output, "\n"))
		if len(got) != 1 || got[0].File != c.file || got[0].Line != c.line {
			t.Errorf("%s: got %+v", c.name, got)
		}
	}
}
