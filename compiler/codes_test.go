//go:build unix

package compiler_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/source"
)

var code = regexp.MustCompile(`FN1\d{3}`)

// Every code that the compiler uses is explained in docs/diagnostics.md and seen
// in a case; nothing else is explained there.
func TestCodes(t *testing.T) {
	used := codesIn(t, ".", func(path string) bool {
		return strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") && !strings.Contains(path, "diag/")
	})
	cases := codesIn(t, "testdata", func(path string) bool { return strings.HasSuffix(path, ".txtar") })
	// These cannot come from a tree on a disk; the tests below bring them about.
	cases = append(cases, "FN1000", "FN1102", "FN1208", "FN1359")
	page, err := os.ReadFile("../docs/diagnostics.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, m := range regexp.MustCompile(`(?m)^\| (FN1\d{3}) \|`).FindAllStringSubmatch(string(page), -1) {
		listed = append(listed, m[1])
	}
	for _, c := range used {
		if !slices.Contains(listed, c) {
			t.Errorf("%s is not in docs/diagnostics.md", c)
		}
		if !slices.Contains(cases, c) {
			t.Errorf("%s has no case in testdata", c)
		}
	}
	for _, c := range listed {
		if !slices.Contains(used, c) {
			t.Errorf("%s stands in docs/diagnostics.md and is not used", c)
		}
	}
}

func codesIn(t *testing.T, dir string, take func(string) bool) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !take(path) {
			return err
		}
		data, err := os.ReadFile(path)
		out = append(out, code.FindAllString(string(data), -1)...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// A manifest may name files that cannot be read any more.
func TestUnreadable(t *testing.T) {
	tree := source.Tree{FS: fstest.MapFS{}}
	tree.Files = []source.File{{Path: "app.py"}, {Path: "fngen.yml"}}
	project, diags := compiler.Compile(context.Background(), compiler.Input{Tree: tree})
	var got []string
	for _, d := range diags {
		got = append(got, d.Code)
	}
	if want := []string{"FN1208", "FN1102"}; project != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A tree that fills the disk of a server would take minutes to be read.
func TestTreeLargerThanDisk(t *testing.T) {
	text := "servers:\n  - {name: a, size: xs, region: us-west}\n  - {name: b, size: s, region: us-west}\n"
	app := "from fngen.powers import webapp\n\n@webapp(framework='flask')\ndef live_app():\n    return 1\n"
	tree := source.Tree{FS: fstest.MapFS{"app.py": {Data: []byte(app)}, "fngen.yml": {Data: []byte(text)}}}
	tree.Files = []source.File{{Path: "app.py"}, {Path: "film.mp4", Size: 3.6e9}, {Path: "fngen.yml"}}
	_, diags := compiler.Compile(context.Background(), compiler.Input{Tree: tree, Project: "shop"})
	at := slices.IndexFunc(diags, func(d diag.Diagnostic) bool { return d.Code == "FN1359" })
	if at < 0 || diags[at].Line != 2 || diags[at].Message !=
		"the tree has 3.6 GB; a server of size xs has a disk of 10 GB, which holds two versions of at most 3.5 GB beside the system" {
		t.Fatalf("%+v", diags)
	}
	if slices.ContainsFunc(diags[at+1:], func(d diag.Diagnostic) bool { return d.Code == "FN1359" }) {
		t.Error("size s is refused too")
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	project, diags := compiler.Compile(ctx, compiler.Input{Tree: source.Tree{FS: fstest.MapFS{}}})
	if project != nil || len(diags) != 1 || diags[0].Code != "FN1000" {
		t.Errorf("got %v, %v", project, diags)
	}
	if _, err := source.Scan(ctx, t.TempDir(), source.Options{}); err == nil {
		t.Error("a scan that was interrupted reports no error")
	}
}

// The same tree gives the same project and diagnostics, whatever order the
// workers run in.
func TestDeterministic(t *testing.T) {
	tree := source.Tree{FS: fstest.MapFS{}}
	files := tree.FS.(fstest.MapFS)
	for _, name := range []string{"a.py", "b.py", "c.py", "d.py", "e.py", "f/__init__.py"} {
		files[name] = &fstest.MapFile{Data: []byte("from fngen.powers import webapp\n@webapp('flask')\ndef f(x): pass\n@webapp()\ndef g(): pass\n")}
		tree.Files = append(tree.Files, source.File{Path: name})
	}
	_, first := compiler.Compile(context.Background(), compiler.Input{Tree: tree})
	for range 20 {
		_, again := compiler.Compile(context.Background(), compiler.Input{Tree: tree})
		if len(first) == 0 || !slices.EqualFunc(first, again, equal) {
			t.Fatalf("first %v\nagain %v", first, again)
		}
	}
}

func equal(a, b diag.Diagnostic) bool { return cmp.Equal(a, b) }
