// Package ignore reads and matches patterns of the gitignore(5) language.
//
// It is written from the manual page and held to git itself by a differential
// test: no library for it agrees with git on everyday patterns. It works on
// bytes, as git does, and a match costs at most pattern length times path
// length, whatever the pattern, where git's own backtracking can run for hours.
package ignore

import (
	"bytes"
	"strings"
)

// Pattern is one rule of an ignore file.
type Pattern struct {
	// Text is the rule as written, without its line end.
	Text string
	// Line counts from 1.
	Line int
	// Negated is a rule that starts with "!": it takes back an earlier one.
	Negated bool

	dirOnly  bool
	anchored bool // matched against the whole path, not the last name
	glob     glob
}

// Parse reads an ignore file. Nothing in one is an error: a pattern that is not
// well formed matches nothing.
func Parse(data []byte) []Pattern {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var out []Pattern
	for n, raw := range strings.Split(string(data), "\n") {
		raw = strings.TrimSuffix(raw, "\r")
		raw, _, _ = strings.Cut(raw, "\x00")
		if raw == "" || raw[0] == '#' {
			continue
		}
		if p, ok := parseLine(raw); ok {
			p.Line = n + 1
			out = append(out, p)
		}
	}
	return out
}

func parseLine(raw string) (Pattern, bool) {
	p := Pattern{Text: trimSpaces(raw)}
	text := p.Text
	if strings.HasPrefix(text, "!") {
		p.Negated, text = true, text[1:]
	}
	if strings.HasSuffix(text, "/") {
		p.dirOnly, text = true, text[:len(text)-1]
	}
	if text == "" {
		return p, false
	}
	p.anchored = strings.Contains(text, "/")
	p.glob = compile(strings.TrimPrefix(text, "/"), p.anchored)
	return p, true
}

// trimSpaces removes trailing spaces but for one that a backslash keeps.
func trimSpaces(s string) string {
	end := 0
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			end = i + 1
		} else if s[i] != ' ' {
			end = i + 1
		}
	}
	return s[:end]
}

// Match reports whether the pattern itself matches path, which is relative to
// the directory of the ignore file and has slashes. It knows nothing of parents:
// the walk that asks does not go into directories that are ignored.
func (p *Pattern) Match(path string, isDir bool) bool {
	if p.dirOnly && !isDir {
		return false
	}
	if !p.anchored {
		path = path[strings.LastIndexByte(path, '/')+1:]
	}
	return p.glob.match(path)
}

// MayMatchBelow reports whether some path below dir could match, so that a walk
// goes only where there is something to find.
func (p *Pattern) MayMatchBelow(dir string) bool {
	return !p.anchored || p.glob.alive(dir+"/")
}
