package imports_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/imports"
	"fngen.dev/fngen/compiler/installed"
	"fngen.dev/fngen/compiler/source"
)

var update = flag.Bool("update", false, "rewrite the want sections of testdata")

// Each case is a tree. Lines of the comment set the input: "functions: app.py",
// "installed: fastapi google.protobuf" ("*" for a list that is open), "python: 3.11",
// "requirements: uv.lock", "provided: flask==3.1.3". A section "want" holds the
// diagnostics as text.
func TestMissing(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runCase(t, file) })
	}
}

func runCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want, kept, tree := "", archive.Files[:0], fstest.MapFS{}
	in := imports.Input{Python: "3.11", Files: []string{"app.py"}, Requirements: []string{"requirements.txt"}}
	for _, f := range archive.Files {
		if f.Name == "want" {
			want = string(f.Data)
			continue
		}
		kept = append(kept, f)
		tree[f.Name] = &fstest.MapFile{Data: f.Data}
		in.Tree.Files = append(in.Tree.Files, source.File{Path: f.Name})
	}
	in.Tree.FS = tree
	configure(&in, string(archive.Comment))
	var out bytes.Buffer
	if err := diag.Render(&out, compiler.AddExcerpts(in.Tree, imports.Missing(in)), false); err != nil {
		t.Fatal(err)
	}
	if *update {
		archive.Files = append(kept, txtar.File{Name: "want", Data: out.Bytes()})
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func configure(in *imports.Input, comment string) {
	for line := range strings.SplitSeq(comment, "\n") {
		key, value, _ := strings.Cut(line, ": ")
		list := strings.Fields(value)
		switch key {
		case "functions":
			in.Files = list
		case "installed":
			in.Installed.Open = slices.Contains(list, "*")
			in.Installed.Names = slices.Sorted(slices.Values(list))
		case "python":
			in.Python = value
		case "requirements":
			in.Requirements = list
		case "provided":
			in.Requirements, in.Provided = nil, list
		}
	}
}

// TestHostile holds that a tree of circles and links to nowhere comes to an end.
func TestHostile(t *testing.T) {
	tree := fstest.MapFS{
		"app.py":        {Data: []byte("import app\nfrom . import app\nfrom ... import x\nfrom .....a.b import c\nimport a.b.c.d.e\nfrom a import *\n")},
		"a/__init__.py": {Data: []byte("from . import *\nfrom .b import *\nfrom a.b import a\n")}, "a/b/__init__.py": {Data: []byte("from .. import b\nimport a\n")},
	}
	in := imports.Input{Python: "3.11", Files: []string{"app.py", "gone.py"}, Tree: source.Tree{FS: tree}}
	for name := range tree {
		in.Tree.Files = append(in.Tree.Files, source.File{Path: name})
	}
	if list := imports.Missing(in); len(list) != 1 || list[0].Message != "No module named 'a.b.c'" {
		t.Errorf("%+v", list)
	}
}

func TestDistribution(t *testing.T) {
	for module, want := range map[string]string{
		"pandas": "pandas", "cv2": "opencv-python", "PIL.Image": "Pillow", "yaml": "PyYAML", "dotenv": "python-dotenv", "bs4": "beautifulsoup4",
		"sklearn.linear_model": "scikit-learn", "google.cloud.storage": "google-cloud-storage", "google.protobuf.message": "protobuf",
		"azure.storage.blob": "azure-storage-blob", "sentence_transformers": "sentence-transformers", "flask_login": "Flask-Login",
	} {
		if got := imports.Distribution(module); got != want {
			t.Errorf("%s: %s, want %s", module, got, want)
		}
	}
}

func TestInstalled(t *testing.T) {
	site := fstest.MapFS{
		"fastapi/__init__.py": {}, "fastapi-0.1.dist-info/METADATA": {}, "six.py": {}, "_cffi.cpython-311-x86_64-linux-gnu.so": {}, "pure.abi3.so": {},
		"google/protobuf/__init__.py": {}, "google/cloud/storage/__init__.py": {}, "google/cloud/storage/client.py": {}, "google/auth.py": {},
		"empty/data.json": {}, "__pycache__/six.pyc": {}, "old.pyc": {}, "README.txt": {}, "distutils-precedence.pth": {Data: []byte("import os; x\n")},
		"more.pth": {Data: []byte("# a comment\nvendored\n")}, "vendored/inner/__init__.py": {}, "bin/tool": {},
	}
	got, err := installed.Of(site)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"_cffi", "bin", "empty", "fastapi", "google.auth", "google.cloud.storage", "google.protobuf", "inner", "old", "pure", "six", "vendored.inner"}
	if d := cmp.Diff(want, got.Names); d != "" || got.Open {
		t.Errorf("open %v, -want +got:\n%s", got.Open, d)
	}
	for dotted, lacks := range map[string]string{
		"six.moves.urllib": "", "google.cloud.storage.x": "", "google.cloud.bigquery": "google.cloud.bigquery", "google": "", "google.oauth2.x": "google.oauth2",
		"goo": "goo", "fast": "fast", "fastapi_x": "fastapi_x", "zzz.a": "zzz",
	} {
		if got := got.Lacks(dotted); got != lacks {
			t.Errorf("%s: %q, want %q", dotted, got, lacks)
		}
	}
	for name, line := range map[string]string{"__editable___x_finder.pth": "import __editable___x_finder", "x.pth": "/srv/tree", "y.pth": "../up"} {
		site := fstest.MapFS{name: {Data: []byte(line)}}
		if got, err := installed.Of(site); err != nil || !got.Open {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	again, err := installed.Parse(got.Bytes())
	if err != nil || !cmp.Equal(got, again) {
		t.Errorf("%+v, %v", again, err)
	}
}
