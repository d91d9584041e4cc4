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
		for _, p := range Parse([]byte(text)) {
			if p.Match(deep, false) || p.Match(strings.Repeat("a", 1000), false) {
				t.Errorf("%.20q matches", text)
			}
		}
		if took := time.Since(start); took > time.Second {
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
	} {
		p := Parse([]byte(c.pattern))[0]
		if got := p.MayMatchBelow(c.dir); got != c.want {
			t.Errorf("MayMatchBelow(%q, %q) = %v", c.pattern, c.dir, got)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("a/**/b", "a/x/b")
	f.Add("[[:alpha:]-z]*", "q")
	f.Add(`\[`, "[")
	f.Add("!/**/***/x//", "a/b")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if path == "" || strings.Contains("/"+path+"/", "//") {
			return // a walk gives no such path
		}
		for _, p := range Parse([]byte(pattern)) {
			dir := p.Match(path, true)
			if p.Match(path, false) && !dir {
				t.Errorf("%q matches the file %q and not the directory", pattern, path)
			}
			if parent, _, ok := cutLast(path); ok && dir && !p.MayMatchBelow(parent) {
				t.Errorf("%q matches %q, and MayMatchBelow(%q) is false", pattern, path, parent)
			}
		}
	})
}

func cutLast(path string) (string, string, bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}
