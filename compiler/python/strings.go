package python

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// maxNesting is how deep f-strings may stand in each other, as in CPython.
const maxNesting = 150

// prefix is what stands before the quote of a string: how many letters, and what
// they mean.
type prefix struct {
	size                  int
	raw, fields, template bool
}

// prefixOf reports whether a name right before a quote belongs to the string.
func prefixOf(name []byte) (prefix, bool) {
	p := prefix{size: len(name)}
	if len(name) > 2 {
		return p, false
	}
	switch strings.ToLower(string(name)) {
	case "u", "b":
	case "r", "br", "rb":
		p.raw = true
	case "f":
		p.fields = true
	case "t":
		p.fields, p.template = true, true
	case "fr", "rf":
		p.raw, p.fields = true, true
	case "tr", "rt":
		p.raw, p.fields, p.template = true, true, true
	default:
		return p, false
	}
	return p, true
}

type quote struct {
	char byte
	size int
	prefix
}

// str takes the string whose quote stands at pos, line ends and all.
func (lx *Lexer) str(p prefix) bool { return lx.nestedStr(p, 0) }

func (lx *Lexer) nestedStr(p prefix, depth int) bool {
	open := lx.pos - p.size
	q := quote{char: lx.Src[lx.pos], size: 1, prefix: p}
	if p.template {
		lx.since(14, open, p.size, "a template string")
	}
	if lx.peek(1) == q.char && lx.peek(2) == q.char {
		q.size = 3
	} else if lx.peek(1) == q.char {
		lx.pos += 2
		return true
	}
	lx.pos += q.size
	switch {
	case depth > maxNesting:
		return lx.fail("FN1203", open, 1, "too many nested f-strings")
	case q.fields:
		return lx.fieldString(open, q, depth)
	case q.size == 3:
		return lx.block(open, q)
	}
	for lx.pos < len(lx.Src) {
		switch c := lx.Src[lx.pos]; {
		case inString[c]:
			lx.pos++
		case c == q.char:
			lx.pos++
			return true
		case c == '\\':
			if !lx.escape(q) {
				return lx.unterminated(open, q)
			}
		case c == '\n' || c == '\r':
			return lx.unterminated(open, q)
		case c >= utf8.RuneSelf:
			if !lx.stringRune() {
				return false
			}
		default: // the other quote
			lx.pos++
		}
	}
	return lx.unterminated(open, q)
}

// block takes the rest of a string in three quotes that has no fields. It goes
// from one quote to the next, which need not be the end.
func (lx *Lexer) block(open int, q quote) bool {
	for {
		text := lx.Src[lx.pos:]
		end := bytes.IndexByte(text, q.char)
		if end >= 0 {
			text = text[:end]
		}
		if !lx.bytesOnly && !utf8.Valid(text) {
			return lx.notText(text)
		}
		if lx.fields > 0 {
			if i := bytes.IndexByte(text, '\\'); i >= 0 {
				lx.since(12, lx.pos+i, 1, "a backslash in a field of an f-string")
			}
		}
		lx.line += lx.lineEnds(text)
		lx.pos += len(text)
		if end < 0 {
			return lx.unterminated(open, q)
		}
		escaped := (len(text)-len(bytes.TrimRight(text, `\`)))%2 == 1
		if !escaped && lx.closes(q) {
			lx.pos += q.size
			return true
		}
		lx.pos++
	}
}

// fieldString takes the rest of a string that may have fields.
func (lx *Lexer) fieldString(open int, q quote, depth int) bool {
	for lx.pos < len(lx.Src) {
		switch c := lx.Src[lx.pos]; {
		case inText[c]:
			lx.pos++
		case c == q.char && lx.closes(q):
			lx.pos += q.size
			return true
		case c == '\\':
			if !lx.escape(q) {
				return lx.unterminated(open, q)
			}
		case c == '\n' || c == '\r':
			if q.size == 1 {
				return lx.unterminated(open, q)
			}
			lx.newline(lx.eol(lx.pos))
		case c == '{' || c == '}':
			if lx.peek(1) == c {
				lx.pos += 2
			} else if c == '}' {
				return lx.fail("FN1204", lx.pos, 1, "f-string: single '}' is not allowed")
			} else if !lx.field(open, q, depth) {
				return false
			}
		case c >= utf8.RuneSelf:
			if !lx.stringRune() {
				return false
			}
		default: // a quote that does not end it
			lx.pos++
		}
	}
	return lx.unterminated(open, q)
}

func (lx *Lexer) closes(q quote) bool {
	return q.size == 1 || lx.peek(1) == q.char && lx.peek(2) == q.char
}

func (lx *Lexer) unterminated(open int, q quote) bool {
	if q.size == 3 {
		return lx.fail("FN1203", open, 3, "unterminated triple-quoted string literal")
	}
	return lx.fail("FN1203", open, 1, "unterminated string literal")
}

func (lx *Lexer) stringRune() bool {
	r, n := utf8.DecodeRune(lx.Src[lx.pos:])
	if r == utf8.RuneError && n <= 1 {
		if !lx.bytesOnly {
			return lx.fail("FN1206", lx.pos, 1, "the file is not UTF-8")
		}
		n = 1
	}
	lx.pos += n
	return true
}

// escape takes a backslash and what it covers. In an f-string a brace after it
// still opens a field, but for the name in \N{...}.
func (lx *Lexer) escape(q quote) bool {
	if lx.fields > 0 {
		lx.since(12, lx.pos, 1, "a backslash in a field of an f-string")
	}
	lx.pos++
	if lx.pos >= len(lx.Src) {
		return false
	}
	if n := lx.eol(lx.pos); n > 0 {
		lx.newline(n)
		return true
	}
	switch c := lx.Src[lx.pos]; {
	case q.fields && (c == '{' || c == '}'):
		return true
	case q.fields && !q.raw && c == 'N' && lx.peek(1) == '{':
		for lx.pos < len(lx.Src) && lx.Src[lx.pos] != '}' && lx.Src[lx.pos] != q.char && lx.eol(lx.pos) == 0 {
			lx.pos++
		}
		if lx.peek(0) == '}' {
			lx.pos++
		}
	case c < utf8.RuneSelf:
		lx.pos++
	}
	return true
}
