package config

import (
	"strings"
	"testing"
	"unicode"
)

// fuzzLock reads a manifest and a lock. Whatever the bytes, reading ends, keeps
// secrets, and makes lines that say what they seem to and no more.
func fuzzLock(t *testing.T, manifest, lock string, text, locked []byte) {
	files := map[string][]byte{lock: locked, "libs/bar/pyproject.toml": []byte("[project]\nname = 'bar'\n")}
	if manifest != "" {
		files[manifest] = text
	}
	tree := treeOf(files)
	p, diags := LoadPyproject(tree)
	python, more := Python(tree, &File{}, p, []string{"3.11", "3.12"})
	r, again := ReadRequirements(tree, p, python)
	wellFormed(t, append(append(diags, more...), again...), files)
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
		if again.HasErrors() {
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
