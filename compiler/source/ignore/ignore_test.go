package ignore

import (
	"strings"
	"testing"
	"time"
)

// A pattern on which git itself takes hours must cost no more than a plain one.
func TestHostilePatterns(t *testing.T) {
	deep := strings.Repeat("a/", 200) + "y"
	for _, text := range []string{
		strings.Repeat("**/", 200) + "x",
		strings.Repeat("a*", 200) + "b",
		"/" + strings.Repeat("*a", 300) + "/b",
	} {
		start := time.Now()
		r := Parse([]byte(text))
		if r.Last(deep, false) != nil || r.Last(strings.Repeat("a", 1000), false) != nil {
			t.Errorf("%.20q matches", text)
		}
		if took := time.Since(start); took > time.Minute { // git takes hours
			t.Errorf("%.20q took %v", text, took)
		}
	}
}

func TestMayMatchBelow(t *testing.T) {
	for _, c := range []struct {
		pattern, dir string
		want         bool
	}{
		{"/assets/*.mp4", "assets", true},
		{"/assets/*.mp4", "node_modules", false},
		{"/assets/video/", "assets", true},
		{"/assets/video/", "assets/audio", false},
		{"*.mp4", "node_modules", true},
		{"**/big.bin", "any/where", true},
		{"/a/**/z", "a/b/c", true},
		{"/a/**/z", "b", false},
		{"a", "a", true},
		{"/a", "a", false},
		{"/ab*/c", "a", false},
		{"/ab*/c", "abc", true},
		{"!/a/b", "a", false},
	} {
		if got := Parse([]byte(c.pattern)).MayMatchBelow(c.dir); got != c.want {
			t.Errorf("MayMatchBelow(%q, %q) = %v", c.pattern, c.dir, got)
		}
	}
}

// A match is made for every file of a tree: it must leave no garbage.
func TestNoAllocations(t *testing.T) {
	r := Parse([]byte("*.log\n/build/\n*.py[co]\ndocs/**/*.tmp\n**/cache\n?ame\nnode_modules/\n"))
	paths := []string{"src/app/views.py", "docs/a/b/x.tmp", "docs/a/b/x.tmq", "a/b/cache"}
	if n := testing.AllocsPerRun(100, func() {
		for _, p := range paths {
			r.Last(p, false)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("a/**/b", "a/x/b")
	f.Add("[[:alpha:]-z]*", "q")
	f.Add(`\[`, "[")
	f.Add("!/**/***/x//", "a/b")
	f.Add("a/\n!a\na*/\n!/a", "a")
	f.Fuzz(func(t *testing.T, text, path string) {
		if path == "" || strings.Contains("/"+path+"/", "//") {
			return // a walk gives no such path
		}
		rules := Parse([]byte(text))
		for _, isDir := range []bool{false, true} {
			if got, want := rules.Last(path, isDir), oneByOne(rules, path, isDir); got != want {
				t.Errorf("%q, directory %v: last is %+v, one by one %+v", path, isDir, got, want)
			}
		}
		p := rules.Last(path, true)
		if parent, _, ok := cutLast(path); ok && p != nil && !p.Negated && !rules.MayMatchBelow(parent) {
			t.Errorf("%q matches %q, and MayMatchBelow(%q) is false", text, path, parent)
		}
	})
}

// oneByOne is Last without any index.
func oneByOne(r *Rules, path string, isDir bool) *Pattern {
	_, name, _ := cutLast(path)
	for i := len(r.patterns) - 1; i >= 0; i-- {
		if p := &r.patterns[i]; p.match(path, name, isDir) {
			return p
		}
	}
	return nil
}

func cutLast(path string) (string, string, bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}
