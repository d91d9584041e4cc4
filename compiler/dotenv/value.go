package dotenv

import (
	"strings"
	"unicode/utf8"
)

// value reads what stands after the sign.
func (p *parser) value() (string, bool) {
	switch {
	case p.at('\''):
		return p.quoted('\'', `\'`)
	case p.at('"'):
		return p.quoted('"', `\'"abfnrtv`)
	}
	begin := p.pos
	p.toLineEnd()
	text := p.src[begin:p.pos]
	for at, r := range text {
		if r == '#' && at > 0 {
			if before, _ := utf8.DecodeLastRuneInString(text[:at]); isSpace(before) {
				text = text[:at]
				break
			}
		}
	}
	return strings.TrimRightFunc(text, isSpace), true
}

// quoted reads up to the first quote without a backslash before it, over the ends of
// lines. A backslash takes whatever follows it along. Versions of python-dotenv before
// 1.2 have it take along a quote only, and the last quote of the file end what nothing
// else does: where that makes a difference there is no value.
func (p *parser) quoted(quote byte, escapes string) (string, bool) {
	begin := p.pos + 1
	end := p.closing(begin, quote, true)
	if end < 0 || p.closing(begin, quote, false) != end {
		return "", false
	}
	p.pos = end + 1
	return unescaped(p.src[begin:end], escapes), true
}

// closing is the place of the closing quote, or -1. pairs says that a backslash takes
// along whatever follows it, and not a quote alone.
func (p *parser) closing(begin int, quote byte, pairs bool) int {
	for i := begin; i < len(p.src); i++ {
		switch {
		case p.src[i] == quote:
			return i
		case p.src[i] == '\\' && i+1 < len(p.src) && (pairs || p.src[i+1] == quote):
			i++
		}
	}
	return -1
}

var escaped = map[byte]byte{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

func unescaped(s, escapes string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) || !strings.Contains(escapes, s[i+1:i+2]) {
			out.WriteByte(s[i])
			continue
		}
		i++
		if c, ok := escaped[s[i]]; ok {
			out.WriteByte(c)
		} else {
			out.WriteByte(s[i])
		}
	}
	return out.String()
}
