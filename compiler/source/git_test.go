package source_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fngen.dev/fngen/compiler/source"
)

var seed = flag.Uint64("seed", 2026, "which trees TestAgainstGit generates")

// Trees of one repository are made and compared together, which is most of what a
// tree costs.
const repositories, trees = 8, 400

// TestAgainstGit compares the files that ship from generated trees with those
// that git itself would not ignore. Many trees lie in one repository, so that the
// rules above a tree and in .git/info/exclude take part; some are then scanned
// once more by themselves. Every ninth file is tracked, whatever the rules say.
func TestAgainstGit(t *testing.T) {
	needGit(t)
	for i := range repositories {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			againstGit(t, &generator{rand.New(rand.NewPCG(*seed, uint64(i)))})
		})
	}
}

func againstGit(t *testing.T, g *generator) {
	root := scratch(t)
	for i := range trees {
		g.tree(t, filepath.Join(root, fmt.Sprintf("t%03d", i)))
	}
	git(t, root, "init", "-q")
	put(t, filepath.Join(root, ".gitignore"), "above-*\n/t00*/only/\n*.log\n!keep.log\n"+g.pattern()+"\n!t*\n")
	put(t, filepath.Join(root, ".git/info/exclude"), "excluded\nsub/*.x\n")
	track(t, root)
	want := git(t, root, "ls-files", "-z", "-co", "--exclude-standard")
	if ignored := git(t, root, "ls-files", "-z", "-ci", "--exclude-standard"); len(ignored) < 40 {
		t.Fatalf("only %d tracked files are ignored: the trees test too little", len(ignored))
	}
	slices.Sort(want)
	compare(t, "the whole repository", included(t, root, ""), want)
	for i := 0; i < trees; i += 5 {
		dir := fmt.Sprintf("t%03d/", i)
		compare(t, dir, included(t, filepath.Join(root, dir), dir), below(want, dir))
	}
	t.Logf("%d trees, %d paths ship", trees, len(want))
}

// scratch is a directory for many small files, in memory where the system has
// such a place: on a disk, making them takes most of the time.
func scratch(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "fngen-source-")
	if err != nil {
		return realTemp(t)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func below(sorted []string, dir string) []string {
	from, _ := slices.BinarySearch(sorted, dir)
	to := from
	for to < len(sorted) && strings.HasPrefix(sorted[to], dir) {
		to++
	}
	return sorted[from:to]
}

func needGit(t testing.TB) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git on this machine to compare with")
	}
}

func track(t *testing.T, root string) {
	t.Helper()
	all := git(t, root, "ls-files", "-z", "-o")
	args := []string{"add", "-f", "--"}
	for i, p := range all {
		if i%9 == 0 {
			args = append(args, ":(literal)"+p)
		}
	}
	git(t, root, args...)
}

func compare(t *testing.T, what string, got, want []string) {
	t.Helper()
	git, ours := map[string]bool{}, map[string]bool{}
	for _, p := range want {
		git[p] = true
	}
	for _, p := range got {
		if ours[p] = true; !git[p] {
			t.Errorf("%s: ships, and git ignores it: %q", what, p)
		}
	}
	for _, p := range want {
		if !ours[p] {
			t.Errorf("%s: does not ship, and git has it: %q", what, p)
		}
	}
}

func included(t testing.TB, root, prefix string) []string {
	s, err := source.Scan(context.Background(), root, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range s.Diagnostics {
		t.Errorf("%s: %s", d.File, d.Message)
	}
	out := []string{}
	for _, f := range s.Files {
		out = append(out, prefix+f.Path)
	}
	return out
}

func git(t testing.TB, dir string, args ...string) []string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "GIT_") })
	cmd.Env = append(cmd.Env, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "LC_ALL=C.UTF-8")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %v: %v", args, err)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
}

func put(t testing.TB, name, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

type generator struct{ *rand.Rand }

func pick[T any](g *generator, from []T) T { return from[g.IntN(len(from))] }

var (
	fileNames = []string{"a", "b", "ab", "abc", "foo", "x.py", "a.py", "c d", "é", "#x", "!y", "e ", "a.log", "keep.log", "[b]", "a-b", "above-z", "excluded", "q.x", "B]", `-`}
	dirNames  = []string{"a", "b", "foo", "only", "sub", "dé", "x.py", "logs"}
	segments  = []string{"a", "b", "ab", "foo", "*", "?", "a*", "*.py", "[ab]", "[!a]", "[^b]", "**", "**", "a?", "*b", "[[:alpha:]]",
		`\a`, "é", "[a-c]b", "***", "?.py", "[]-]", "[b", `[\]b]`, "*o*", "x.*", "[[:digit:][:alpha:]]", "[a-", "[[:nope:]]", "[é]", "??", "[b-a]", "[-a]", "[a-]", "c d", "*]", "[[:]",
		"{a,b}", "[!]a]", "[^-a]", `[a\-c]`, "[[=a=]]", "[[.a.]]", "**b", "*.*", "?*", "*?*", "[a]*", "a-[a-c]", "[[:upper:]]]", `b\*`, `\#x`, "[é-ü]*", "\t", "a[/]b", "[a/]"}
)

func (g *generator) tree(t *testing.T, dir string) {
	for range 6 + g.IntN(10) {
		p := dir
		for range g.IntN(4) {
			p = filepath.Join(p, pick(g, dirNames))
			if info, err := os.Stat(p); err == nil && !info.IsDir() {
				p = dir
			}
		}
		p = filepath.Join(p, pick(g, fileNames))
		if _, err := os.Stat(p); err != nil {
			put(t, p, "")
		}
	}
	g.rules(t, dir)
	for _, sub := range dirNames {
		if info, err := os.Stat(filepath.Join(dir, sub)); err == nil && info.IsDir() && g.IntN(3) == 0 {
			g.rules(t, filepath.Join(dir, sub))
		}
	}
}

func (g *generator) rules(t *testing.T, dir string) {
	text := pick(g, []string{"", "", "", "\xef\xbb\xbf", "# a comment\n\n"})
	for range 1 + g.IntN(5) {
		text += g.pattern() + pick(g, []string{"\n", "\n", "\n", "\r\n"})
	}
	if g.IntN(3) == 0 {
		text = strings.TrimSuffix(text, "\n")
	}
	put(t, filepath.Join(dir, ".gitignore"), text)
}

func (g *generator) pattern() string {
	var parts []string
	for range 1 + g.IntN(3) {
		parts = append(parts, pick(g, segments))
	}
	p := pick(g, []string{"", "", "", "!", "!", "#", `\#`, `\!`}) + pick(g, []string{"", "", "/"}) + strings.Join(parts, "/")
	return p + pick(g, []string{"", "", "", "/", "/", "/*", "/**", " ", `\ `, "  ", "//"})
}
