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

func parseLines(data []byte) []Pattern {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var out []Pattern
	n := 0
	for raw := range strings.SplitSeq(string(data), "\n") {
		n++
		raw = strings.TrimSuffix(raw, "\r")
		raw, _, _ = strings.Cut(raw, "\x00")
		if raw == "" || raw[0] == '#' {
			continue
		}
		if p, ok := parseLine(raw); ok {
			p.Line = n
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

// match takes the path, relative to the directory of the ignore file, and its
// last name.
func (p *Pattern) match(path, name string, isDir bool) bool {
	if p.dirOnly && !isDir {
		return false
	}
	if p.anchored {
		return p.glob.match(path)
	}
	return p.glob.match(name)
}

func (p *Pattern) mayMatchBelow(dir string) bool {
	return !p.anchored || p.glob.alive(dir)
}
