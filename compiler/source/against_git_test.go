package source_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"fngen.dev/fngen/compiler/source"
)

// FuzzAgainstGit compares what ships with what git lists, for any ignore file at
// the top, any in the directory "a", and any few files.
func FuzzAgainstGit(f *testing.F) {
	needGit(f)
	f.Add("*.log\n!keep.log\n", "", "a.log keep.log a/b.log")
	f.Add("*\n!*/\n!*.py\n", "!x\n", "d/e.txt d/f.py a/x")
	f.Add("a/**/*\n!a/b\n", "", "a/b/c a/b/d/e")
	f.Add("**/logs/**\n", "/c\n", "x/logs/y a/c a/b/c")
	f.Add("[[:digit:]-z]?\\ \n\\!x\n#\\#\n", "[!]a-]*", "5z a/b a/!x")
	f.Add("volumes/f/**\n!volumes/f/deno.json*\n", "\xef\xbb\xbf/b\r\n", "volumes/f/deno.json volumes/f/x a/b")
	f.Add("/***/x\nq//\n/**/**/\n", "**/\n", "a/x b/c/x")
	f.Add("a/**\n!a/b**", "0", "a/b/1")
	f.Add("**\\/x\n", "**\\/y\n", "x a/x b/c/x a/y a/b/y")
	f.Add("/b/**\\/z\n/c/***\\/**/w\n", "", "b/z b/c/z c/w c/d/w c/d/e/w")
	root, err := os.MkdirTemp("", "fngen-fuzz-")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { os.RemoveAll(root) })
	if root, err = filepath.EvalSymlinks(root); err != nil {
		f.Fatal(err)
	}
	git(f, root, "init", "-q")
	put(f, root+"/.git/info/exclude", "") // git init writes comments there
	old := oldGit(f)
	f.Fuzz(func(t *testing.T, top, inA, files string) {
		if len(top)+len(inA) > 500 || len(files) > 200 || old && (foldedStars.MatchString(top) || foldedStars.MatchString(inA)) {
			return
		}
		empty(t, root)
		if !makeFiles(t, root, files) {
			return
		}
		put(t, root+"/.gitignore", top)
		if info, err := os.Stat(root + "/a"); err == nil && info.IsDir() {
			put(t, root+"/a/.gitignore", inA)
		}
		want, ok := gitLists(t, root)
		if !ok {
			return
		}
		if got := shipsOrIsRefused(t, root); !slices.Equal(got, want) {
			t.Errorf("ours %q\ngit  %q", got, want)
		}
	})
}

// git before 2.52 takes the stars of "foo**/bar" and "foo**" for those of "**/" and
// "/**", since it has cut off the "foo" before it looks.
var foldedStars = regexp.MustCompile(`(?m)([^/\n!]|.!)\*\*+(\\?/|[ \r]*$)`)

func oldGit(t testing.TB) bool {
	version := strings.Join(git(t, ".", "version"), "")
	m := regexp.MustCompile(`(\d+)\.(\d+)`).FindStringSubmatch(version)
	if m == nil {
		t.Fatalf("git says %q", version)
	}
	return m[1] < "2" || m[1] == "2" && (len(m[2]) < 2 || m[2] < "52")
}

func empty(t *testing.T, root string) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == ".git" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(root, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
}

// makeFiles makes the files that a text names, as far as a disk can hold them
// and fngen has no rule of its own for them.
func makeFiles(t *testing.T, root, names string) bool {
	made := 0
	for name := range strings.SplitSeq(names, " ") {
		for part := range strings.SplitSeq(name, "/") {
			if part == "" || part == "." || part == ".." || len(part) > 100 || strings.ContainsAny(part, "\x00\n") ||
				strings.EqualFold(part, ".git") || slices.Contains(ownNames, part) || strings.HasSuffix(part, ".pyc") {
				return false
			}
		}
		if made++; made > 12 || strings.Count(name, "/") > 12 {
			return false
		}
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return false // a file is in the way
		}
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			return false
		}
		put(t, p, "")
	}
	return made > 0
}

var ownNames = []string{".gitignore", ".gitmodules", ".fnignore", ".fninclude", ".fngen", "__pycache__", "pyvenv.cfg"}

// gitLists is what git has, or false when git takes too long: it goes back and
// forth in patterns with many stars, for hours if need be.
func gitLists(t *testing.T, root string) ([]string, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", "-c", "core.excludesFile=", "ls-files", "-z", "-o", "--exclude-standard")
	cmd.Dir = root
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return nil, false
	}
	if err != nil {
		t.Fatalf("git: %v", err)
	}
	list := strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
	if !utf8.Valid(out) { // FieldsFunc is for text
		list = strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	}
	slices.Sort(list)
	return list, true
}

// shipsOrIsRefused is what no rule leaves out: names that cannot travel are a
// matter of their own.
func shipsOrIsRefused(t *testing.T, root string) []string {
	start := time.Now()
	s, err := source.Scan(context.Background(), root, source.Options{ListOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > time.Minute { // or hours
		t.Errorf("the scan took %v", took)
	}
	out := []string{}
	for _, d := range s.Decisions {
		if d.Included || d.Rule == "" || strings.HasPrefix(d.Rule, "!") {
			out = append(out, d.Path)
		}
	}
	return out
}
