package config

import (
	"bytes"
	"slices"
	"testing"
	"testing/fstest"

	"fngen.dev/fngen/compiler/config/dependencies"
	"fngen.dev/fngen/compiler/source"
)

// What pyenv, uv and people write into .python-version.
func TestPythonVersionFile(t *testing.T) {
	for _, c := range []struct{ text, want, code string }{
		{"3.12\n", "3.12", ""},
		{"3.12.4", "3.12", ""},
		{"\ufeff3.12\r\n", "3.12", ""},
		{"# a comment\n\n  3.12  # ours\n3.11\n", "3.12", ""},
		{"3.12.4 3.11.9\n", "3.12", ""},
		{"system\n3.11.9\n", "3.11", ""},
		{"3", "3.13", ""},
		{"cpython-3.12", "3.12", ""},
		{"cpython@3.12.1", "3.12", ""},
		{"cpython-3.12.4-linux-x86_64-gnu", "3.12", ""},
		{"cpython-3.12.4-macos-aarch64-none", "3.12", ""},
		{"python3.12", "3.12", ""},
		{"Python-3.12", "3.12", ""},
		{"3.13.0rc1", "3.13", ""},
		{"3.12-dev", "3.12", ""},
		{">=3.11,<3.13", "3.12", ""},
		{"~=3.11.0", "3.11", ""},
		{"", "3.13", ""},
		{"# none\n", "3.13", ""},
		{"system\n", "3.13", ""},
		{"3.13t", "3.13", "FN1114"},
		{"3.13+freethreaded", "3.13", "FN1114"},
		{"3.8.1", "3.13", "FN1114"},
		{">=3.20", "3.13", "FN1114"},
		{"2.7", "3.13", "FN1113"},
		{"pypy3.10-7.3.12", "3.13", "FN1113"},
		{"miniconda3-latest", "3.13", "FN1113"},
		{"/usr/bin/python3.12", "3.13", "FN1113"},
		{"3.12.4.5", "3.13", "FN1113"},
		{"\x00\xff", "3.13", "FN1113"},
	} {
		tree := source.Tree{FS: fstest.MapFS{".python-version": {Data: []byte(c.text)}}}
		tree.Files = []source.File{{Path: ".python-version"}}
		got, diags := Python(tree, &File{}, &dependencies.Pyproject{}, []string{"3.11", "3.12", "3.13"})
		code := ""
		if len(diags) > 0 {
			code = diags[0].Code
		}
		if got != c.want || code != c.code || len(diags) > 1 {
			t.Errorf("%q is %s, %v; want %s, %s", c.text, got, diags, c.want, c.code)
		}
	}
}

// Whatever the versions say that a tree may have, one is chosen, and a fault is in the
// file that says it.
func FuzzPython(f *testing.F) {
	f.Add("python: \"3.11\"\n", "3.12\n", ">=3.9")
	f.Add("", "cpython@3.12\n", "~=3.99")
	f.Add("python: 3", ">=3.12,<4 # newest", "\n")
	f.Fuzz(func(t *testing.T, file, pin, requires string) {
		contents := fstest.MapFS{
			".python-version": {Data: []byte(pin)}, "fngen.yml": {Data: []byte(file)}, "pyproject.toml": {Data: []byte("[project]\nrequires-python = '" + requires + "'\n")},
		}
		tree := source.Tree{FS: contents}
		for name := range contents {
			tree.Files = append(tree.Files, source.File{Path: name})
		}
		tree.Sort()
		project, _ := dependencies.LoadPyproject(tree)
		parsed, _ := parse("fngen.yml", []byte(file))
		available := []string{"3.11", "3.12"}
		chosen, diags := Python(tree, parsed, project, available)
		if !slices.Contains(available, chosen) {
			t.Errorf("Python %q is chosen", chosen)
		}
		for _, d := range diags {
			if contents[d.File] == nil || d.Line > bytes.Count(contents[d.File].Data, []byte("\n"))+1 || d.Message == "" || d.Help == "" {
				t.Errorf("%+v", d)
			}
		}
	})
}
