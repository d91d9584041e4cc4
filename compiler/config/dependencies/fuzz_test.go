package dependencies

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	"github.com/pelletier/go-toml/v2"

	"fngen.dev/fngen/compiler/config/document"
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
		_, more := ReadRequirements(tree, p, "3.11")
		wellFormed(t, append(diags, more...), files)
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
		if _, err := document.TOML("x.toml", data); err != nil {
			t.Errorf("%q is refused: %v", data, err)
		}
	})
}

// fuzzLock reads a manifest and a lock. Whatever the bytes, reading ends, keeps
// secrets, and makes lines that say what they seem to and no more.
func fuzzLock(t *testing.T, manifest, lock string, text, locked []byte) {
	files := map[string][]byte{lock: locked, "libs/bar/pyproject.toml": []byte("[project]\nname = 'bar'\n")}
	if manifest != "" {
		files[manifest] = text
	}
	tree := treeOf(files)
	p, diags := LoadPyproject(tree)
	python := "3.12"
	if ok, _ := pep.AllowsMinor(p.RequiresPython().Value, python); !ok {
		python = "3.11"
	}
	r, more := ReadRequirements(tree, p, python)
	wellFormed(t, append(diags, more...), files)
	for _, w := range r.Wanted {
		line := w.Line(Git.Revision)
		if strings.ContainsFunc(line, unicode.IsControl) || strings.HasPrefix(line, "-") || w.Path == "" && !strings.HasPrefix(line, w.Name) {
			t.Errorf("bad line %q", line)
		}
		for _, part := range strings.Split(line, " --hash=")[1:] {
			if strings.ContainsAny(part, " ;") {
				t.Errorf("bad hash %q in %q", part, line)
			}
		}
		if more.HasErrors() {
			continue
		}
		if len(w.Hashes) == 0 && w.Git == nil && w.Path == "" && r.Locked() {
			t.Errorf("%q has no hash", line)
		}
	}
	for _, g := range r.Git {
		if !strings.HasPrefix(g.URL, "https://") || strings.ContainsAny(g.URL+g.Ref+g.Commit+g.Subdirectory, "@ \n$`\\'\"") || strings.HasPrefix(g.Ref, "-") ||
			strings.Contains(g.Subdirectory, "..") && !validFolder(g.Subdirectory) {
			t.Errorf("bad repository %+v", g)
		}
	}
	for _, path := range r.Local {
		if files[path] == nil {
			t.Errorf("%q is not of the tree", path)
		}
	}
}

func FuzzPoetryLock(f *testing.F) {
	project := []byte("[tool.poetry.dependencies]\npython='^3.10'\na={version='^1',extras=['x'],markers=\"python_version<'4'\"}\nb='*'\n[tool.poetry.group.dev]\ninclude-groups=['x']\n")
	f.Add(project, []byte("[[package]]\nname='a'\nversion='1.0'\npython-versions='>=3.8'\nfiles=[{file='a',hash='sha256:00'}]\n[package.dependencies]\nb={version='>=1 || <2',optional=true}\n[package.extras]\nx=['b (>=1)']\n"+
		"[[package]]\nname='b'\nversion='1'\n[package.source]\ntype='git'\nurl='https://h/o/r.git'\nreference='main'\nresolved_reference='0123456789012345678901234567890123456789'\n[metadata]\nlock-version='1.1'\ncontent-hash='x'\n[metadata.files]\nb=[{hash='sha256:11'}]\n"))
	f.Add(project, []byte("[[package]]\nname='a'\nversion='1.0'\ngroups=['main']\nmarkers={main=\"sys_platform=='linux'\"}\nfiles=[{file='a',hash='sha256:00'}]\n[package.source]\ntype='directory'\nurl='libs/bar'\n[metadata]\nlock-version='2.1'\n"))
	f.Fuzz(func(t *testing.T, project, lock []byte) { fuzzLock(t, "pyproject.toml", "poetry.lock", project, lock) })
}

func FuzzPDMLock(f *testing.F) {
	project := []byte("[project]\nname='s'\ndependencies=['a[x]>=1']\n[dependency-groups]\nd=['b',{include-group='e'}]\n")
	f.Add(project, []byte("[metadata]\nlock_version='4.5.0'\nstrategy=[]\ncontent_hash='sha256:00'\n[[package]]\nname='a'\nversion='1.0'\nextras=['x']\ndependencies=['a==1.0','b; os_name==\"posix\"']\nfiles=[{url='u',hash='sha256:00'}]\n[[package]]\nname='b'\nversion='2'\ngit='https://h/o/r'\nref='v1'\nrevision='0123456789012345678901234567890123456789'\n"))
	f.Add(project, []byte("[metadata]\nlock_version='4.5.0'\nstrategy=['inherit_metadata']\n[[package]]\nname='a'\nversion='1.0'\ngroups=['default']\nmarker=\"python_full_version<'3.11.3'\"\npath='./libs/bar'\n"))
	f.Fuzz(func(t *testing.T, project, lock []byte) { fuzzLock(t, "pyproject.toml", "pdm.lock", project, lock) })
}

func FuzzPipfileLock(f *testing.F) {
	f.Add([]byte("[packages]\na='*'\n[requires]\npython_version='3.11'\n"),
		[]byte(`{"_meta":{"hash":{"sha256":"00"},"pipfile-spec":6,"sources":[{"url":"https://u:hunter2@h/simple"}]},"default":{"a":{"version":"==1.0","hashes":["sha256:00"],"markers":"os_name=='posix'"},"b":{"git":"https://h/o/r","ref":"main"},"c":{"path":"libs/bar"},"d":"==1"}}`))
	f.Add([]byte("packages=1\n"), []byte(`{"default":[1,{"é":null}]}`))
	f.Fuzz(func(t *testing.T, pipfile, lock []byte) { fuzzLock(t, "Pipfile", "Pipfile.lock", pipfile, lock) })
}

func FuzzPipfile(f *testing.F) {
	f.Add([]byte("[[source]]\nurl='https://h/simple'\n[packages]\na={version='>=1',extras=['x'],sys_platform=\"== 'linux'\"}\nb={file='https://h/b.whl'}\nc={git='git@github.com:o/r',editable=true}\n"))
	f.Fuzz(func(t *testing.T, pipfile []byte) { fuzzLock(t, "", "Pipfile", nil, pipfile) })
}

func FuzzPylock(f *testing.F) {
	f.Add([]byte("[project]\nname='s'\ndependencies=['a>=1']\n"), []byte("lock-version='1.0'\nenvironments=[\"os_name=='posix'\"]\ndefault-groups=['d']\n[[packages]]\nname='a'\nversion='1.0'\nmarker=\"'d' in dependency_groups\"\nwheels=[{url='u',hashes={sha256='00'}}]\n"+
		"[[packages]]\nname='b'\nvcs={type='git',url='https://h/o/r',requested-revision='m',commit-id='0123456789012345678901234567890123456789'}\n[[packages]]\nname='c'\narchive={url='https://h/c.tar.gz',hashes={sha256='00'}}\n[[packages]]\nname='e'\ndirectory={path='libs/bar'}\n"))
	f.Fuzz(func(t *testing.T, project, lock []byte) { fuzzLock(t, "pyproject.toml", "pylock.toml", project, lock) })
}
