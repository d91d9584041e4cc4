package source_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"fngen.dev/fngen/compiler/source"
)

// A submodule ships by its own rules and its own index, and so does a repository
// that git knows nothing of; the rules around them end at their borders.
func TestRepositoriesInside(t *testing.T) {
	needGit(t)
	dir := realTemp(t)
	lib := filepath.Join(dir, "lib")
	put(t, lib+"/lib.py", "")
	put(t, lib+"/.gitignore", "*.tmp\n")
	put(t, lib+"/kept.tmp", "")
	git(t, lib, "init", "-q")
	git(t, lib, "add", "-f", "lib.py", ".gitignore", "kept.tmp")
	commit(t, lib)

	app := filepath.Join(dir, "app")
	put(t, app+"/.gitignore", "*.log\nvendor/\nhidden/\n")
	put(t, app+"/app.py", "")
	git(t, app, "init", "-q")
	git(t, app, "-c", "protocol.file.allow=always", "submodule", "add", "-f", "-q", lib, "vendor/lib")
	git(t, app, "-c", "protocol.file.allow=always", "clone", "-q", lib, "nested")
	git(t, app, "-c", "protocol.file.allow=always", "clone", "-q", lib, "hidden/other")
	put(t, app+"/nested/.git/info/exclude", "secret\n")
	for _, at := range []string{"", "vendor/", "vendor/lib/", "nested/", "nested/deep/"} {
		put(t, filepath.Join(app, at, "a.log"), "")
		put(t, filepath.Join(app, at, "a.tmp"), "")
		put(t, filepath.Join(app, at, "secret"), "")
	}
	want := []string{
		".gitignore", ".gitmodules", "a.tmp", "app.py",
		"nested/.gitignore", "nested/a.log", "nested/deep/a.log", "nested/kept.tmp", "nested/lib.py",
		"secret",
		"vendor/lib/.gitignore", "vendor/lib/a.log", "vendor/lib/kept.tmp", "vendor/lib/lib.py", "vendor/lib/secret",
	}
	if got := included(t, app, ""); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	// Of each repository git itself has the same files.
	for _, at := range []string{"vendor/lib", "nested"} {
		want := git(t, filepath.Join(app, at), "ls-files", "-z", "-co", "--exclude-standard")
		compare(t, at, included(t, filepath.Join(app, at), ""), want)
	}

	// A .fnignore holds across the border: it is about the push, not about git.
	put(t, app+"/.fnignore", "*.log\nvendor/\n")
	want = []string{".fnignore", ".gitignore", ".gitmodules", "a.tmp", "app.py", "nested/.gitignore", "nested/kept.tmp", "nested/lib.py", "secret"}
	if got := included(t, app, ""); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// In a linked work tree .git is a file, and the excludes are the repository's. A
// work tree inside another of the same repository is the same project once more.
func TestLinkedWorkTree(t *testing.T) {
	needGit(t)
	dir := realTemp(t)
	main := filepath.Join(dir, "main")
	put(t, main+"/app/a.py", "")
	git(t, main, "init", "-q")
	git(t, main, "add", ".")
	commit(t, main)
	git(t, main, "worktree", "add", "-q", "../w")
	git(t, main, "worktree", "add", "-q", "app/inside")
	put(t, main+"/.git/info/exclude", "*.log\n")
	put(t, dir+"/w/app/a.log", "")
	put(t, dir+"/w/app/b.log", "")
	git(t, dir+"/w", "add", "-f", "app/b.log")
	if got := included(t, dir+"/w/app", ""); !slices.Equal(got, []string{"a.py", "b.log"}) {
		t.Errorf("ships %v", got)
	}
	if d := decision(t, dir+"/w/app", "a.log"); d.Source != "../../main/.git/info/exclude" || d.Line != 1 {
		t.Errorf("decided by %+v", d)
	}
	if d := decision(t, main, "app/inside/"); d.Included || d.Rule != "git worktree" {
		t.Errorf("decided by %+v", d)
	}
}

// A directory named .git that is no repository hides neither the rules above it
// nor what is beside it.
func TestNotARepository(t *testing.T) {
	needGit(t)
	root := realTemp(t)
	put(t, root+"/.gitignore", "*.log\n")
	put(t, root+"/sub/.git/note", "")
	put(t, root+"/sub/a.log", "")
	put(t, root+"/sub/a.py", "")
	git(t, root, "init", "-q")
	compare(t, "all", included(t, root, ""), git(t, root, "ls-files", "-z", "-co", "--exclude-standard"))
	if got := included(t, root+"/sub", ""); !slices.Equal(got, []string{"a.py"}) {
		t.Errorf("ships %v", got)
	}
}

// An index that cannot be read stops a scan only when it is needed.
func TestBrokenIndex(t *testing.T) {
	needGit(t)
	root := realTemp(t)
	put(t, root+"/a.py", "")
	git(t, root, "init", "-q")
	put(t, root+"/.git/index", "no index")
	if got := included(t, root, ""); !slices.Equal(got, []string{"a.py"}) {
		t.Errorf("ships %v", got)
	}
	put(t, root+"/.gitignore", "*.py\n")
	if _, err := source.Scan(context.Background(), root, source.Options{}); err == nil {
		t.Error("an ignored file is judged without the index")
	}
}

func decision(t *testing.T, root, path string) source.Decision {
	t.Helper()
	s, err := source.Scan(context.Background(), root, source.Options{ListOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range s.Decisions {
		if d.Path == path {
			return d
		}
	}
	t.Fatalf("%s was not met", path)
	return source.Decision{}
}

func commit(t *testing.T, dir string) {
	t.Helper()
	git(t, dir, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "first")
}

// realTemp is a directory whose path has no link in it.
func realTemp(t testing.TB) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
