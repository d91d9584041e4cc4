package config

import (
	"bytes"
	"regexp"
	"testing"
	"testing/fstest"

	"github.com/pelletier/go-toml/v2"

	"fngen.dev/fngen/compiler/config/pep"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/source"
)

func treeOf(files map[string][]byte) source.Tree {
	tree := source.Tree{FS: fstest.MapFS{}}
	for _, name := range []string{"Pipfile", "Pipfile.lock", "base.txt", "libs/bar/pyproject.toml", "pdm.lock", "poetry.lock", "pylock.toml", "pyproject.toml", "requirements.txt", "setup.py", "uv.lock"} {
		if data, ok := files[name]; ok {
			tree.FS.(fstest.MapFS)[name] = &fstest.MapFile{Data: data}
			tree.Files = append(tree.Files, source.File{Path: name})
		}
	}
	return tree
}

// secret is a password where one stands in a URL.
var secret = regexp.MustCompile(`://[^/\s]*hunter2[^/\s]*@`)

// wellFormed holds what every diagnostic promises.
func wellFormed(t *testing.T, diags diag.List, files map[string][]byte) {
	t.Helper()
	for _, d := range diags {
		lines := bytes.Count(files[d.File], []byte("\n")) + 1
		if d.Code == "" || d.Help == "" || d.Line < 0 || d.Line > lines || d.Line > 0 && d.Column < 1 {
			t.Errorf("bad diagnostic %+v", d)
		}
		if secret.MatchString(d.Message + d.Help) {
			t.Errorf("a secret is shown: %+v", d)
		}
	}
}

// Whatever the bytes, reading ends, keeps secrets, and names nothing outside.
func FuzzRequirements(f *testing.F) {
	f.Add([]byte("fastapi[standard]>=0.100,<1 ; python_version >= '3.8' # web\n-r base.txt\n-c base.txt\n"))
	f.Add([]byte("a==1 \\\n --hash=sha256:00 \\\n --hash=sha256:11\nb @ https://u:hunter2@h/b-1.whl#sha256=00\n"))
	f.Add([]byte("-e ./libs/bar[x]\n./libs/bar ; os_name == 'posix'\nfile:libs/bar\n--find-links libs\ngit+https://u:hunter2@github.com/o/r@v#egg=e\n"))
	f.Add([]byte("\xef\xbb\xbf--index-url=https://u:hunter2@h/simple\r\n--pre\n-e git+ssh://git@h/r\n-r requirements.txt\n${X}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		files := map[string][]byte{"requirements.txt": data, "base.txt": []byte("six\n"), "libs/bar/pyproject.toml": []byte("[project]\nname = 'bar'\ndependencies = ['x']\n")}
		tree := treeOf(files)
		r, diags := ReadRequirements(tree, &Pyproject{}, "3.11")
		wellFormed(t, diags, files)
		for _, path := range append(r.Files, r.Local...) {
			if files[path] == nil {
				t.Errorf("%q is not of the tree", path)
			}
		}
		for _, p := range r.Packages {
			if p.Name == "" || p.Name != pep.NormalName(p.Name) || p.Place.Line < 1 {
				t.Errorf("bad package %+v", p)
			}
		}
	})
}

func FuzzPyproject(f *testing.F) {
	f.Add([]byte("[project]\nname='shop'\ndependencies=['six>=1', 'bar']\ndynamic=[]\n[tool.uv.sources]\nbar={path='libs/bar'}\n"),
		[]byte("version=1\nrequires-python='>=3.11'\n[[package]]\nname='shop'\nsource={virtual='.'}\ndependencies=[{name='six',extra=['x']}]\n[package.metadata]\nrequires-dist=[{name='six',specifier='>=1'}]\n[[package]]\nname='six'\nsource={registry='https://pypi.org/simple'}\n[package.optional-dependencies]\nx=[{name='six'}]\n"))
	f.Add([]byte("[tool.poetry.dependencies]\na='*'\n[[a.b]]\nc.d=1\n[a.b.e]\nx=\"\"\"\ny\"\"\"\n"), []byte("package=[1, {name=2}]\n"))
	f.Fuzz(func(t *testing.T, project, lock []byte) {
		files := map[string][]byte{"pyproject.toml": project, "uv.lock": lock, "libs/bar/pyproject.toml": []byte("[project]\nname = 'bar'\n")}
		tree := treeOf(files)
		p, diags := LoadPyproject(tree)
		_, more := Python(tree, &File{}, p, []string{"3.11", "3.12"})
		_, again := ReadRequirements(tree, p, "3.11")
		wellFormed(t, append(append(diags, more...), again...), files)
	})
}

// What the library's own decoder takes is taken here.
func FuzzTOML(f *testing.F) {
	f.Add([]byte("a.\"b c\" = ['x', \"\"\"y\nz\"\"\", {k = 'v', l.m=1}, 3]\n[t . u]\n[[w]]\nq=\"\\u00e9\"\n[w.x]\n[[w]]\n[w.x]\n"))
	f.Add([]byte("[a.b]\n[a]\nc=1\n[a.d.e]\n[a.d]\n[[b]]\n[[b.c]]\n[[b.c]]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			return
		}
		var v map[string]any
		if toml.Unmarshal(data, &v) != nil {
			return
		}
		if _, err := parseTOML("x.toml", data); err != nil {
			t.Errorf("%q is refused: %v", data, err)
		}
	})
}
