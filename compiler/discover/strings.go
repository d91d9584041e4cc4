package discover

import (
	"strings"
	"unicode/utf8"
)

// maxNesting is how deep f-strings may stand in each other, as in CPython.
const maxNesting = 150

// isPrefix reports whether a name right before a quote belongs to the string.
func isPrefix(name []byte) bool {
	if len(name) > 2 {
		return false
	}
	switch strings.ToLower(string(name)) {
	case "r", "u", "b", "f", "t", "br", "rb", "fr", "rf", "tr", "rt":
		return true
	}
	return false
}

// str takes the string whose quote stands at pos, line ends and all.
func (lx *lexer) str(prefix string) bool { return lx.nestedStr(prefix, 0) }

func (lx *lexer) nestedStr(prefix string, depth int) bool {
	open := lx.pos - len(prefix)
	q := quote{char: lx.src[lx.pos], size: 1, raw: strings.Contains(prefix, "r")}
	q.fields = strings.ContainsAny(prefix, "ft")
	if strings.Contains(prefix, "t") {
		lx.since(14, open, len(prefix), "a template string")
	}
	if lx.peek(1) == q.char && lx.peek(2) == q.char {
		q.size = 3
	} else if lx.peek(1) == q.char {
		lx.pos += 2
		return true
	}
	lx.pos += q.size
	if depth > maxNesting {
		return lx.fail("FN1203", open, 1, "too many nested f-strings")
	}
	for lx.pos < len(lx.src) {
		switch c := lx.src[lx.pos]; {
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
			lx.newline(lx.pos + lx.eol(lx.pos))
		case q.fields && (c == '{' || c == '}'):
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
		default:
			lx.pos++
		}
	}
	return lx.unterminated(open, q)
}

type quote struct {
	char        byte
	size        int
	raw, fields bool
}

func (lx *lexer) closes(q quote) bool {
	return q.size == 1 || lx.peek(1) == q.char && lx.peek(2) == q.char
}

func (lx *lexer) unterminated(open int, q quote) bool {
	if q.size == 3 {
		return lx.fail("FN1203", open, 3, "unterminated triple-quoted string literal")
	}
	return lx.fail("FN1203", open, 1, "unterminated string literal")
}

func (lx *lexer) stringRune() bool {
	r, n := utf8.DecodeRune(lx.src[lx.pos:])
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
func (lx *lexer) escape(q quote) bool {
	if lx.fields > 0 {
		lx.since(12, lx.pos, 1, "a backslash in a field of an f-string")
	}
	lx.pos++
	if lx.pos >= len(lx.src) {
		return false
	}
	if n := lx.eol(lx.pos); n > 0 {
		lx.newline(lx.pos + n)
		return true
	}
	switch c := lx.src[lx.pos]; {
	case q.fields && (c == '{' || c == '}'):
		return true
	case q.fields && !q.raw && c == 'N' && lx.peek(1) == '{':
		for lx.pos < len(lx.src) && lx.src[lx.pos] != '}' && lx.src[lx.pos] != q.char && lx.eol(lx.pos) == 0 {
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

// field takes a replacement field, {expression!conversion:format}.
func (lx *lexer) field(open int, q quote, depth int) bool {
	start := lx.pos
	lx.pos++
	if !lx.fieldExpression(open, q, depth) {
		return false
	}
	if strings.TrimSpace(string(lx.src[start+1:lx.pos])) == "" && lx.peek(0) != ':' {
		return lx.fail("FN1204", start, 1, "f-string: empty expression not allowed")
	}
	if lx.peek(0) == '!' {
		lx.pos++
		for isNamePart(lx.peek(0)) || lx.peek(0) == ' ' {
			lx.pos++
		}
	}
	if lx.peek(0) == ':' {
		lx.pos++
		if !lx.formatSpec(open, q, depth) {
			return false
		}
	}
	if lx.peek(0) != '}' {
		return lx.unterminated(open, q)
	}
	lx.pos++
	return true
}

// fieldExpression takes the expression up to the "!", ":" or "}" that ends it.
func (lx *lexer) fieldExpression(open int, q quote, depth int) bool {
	lx.fields++
	defer func() { lx.fields-- }()
	var brackets []byte
	for lx.pos < len(lx.src) {
		c := lx.src[lx.pos]
		switch {
		case len(brackets) == 0 && (c == '}' || c == ':' || c == '!' && lx.peek(1) != '='):
			return true
		case c == '(' || c == '[' || c == '{':
			brackets = append(brackets, closer(c))
			lx.pos++
		case c == ')' || c == ']' || c == '}':
			if len(brackets) == 0 || brackets[len(brackets)-1] != c {
				return lx.fail("FN1202", lx.pos, 1, "f-string: unmatched '%c'", c)
			}
			brackets = brackets[:len(brackets)-1]
			lx.pos++
		case c == '"' || c == '\'':
			if c == q.char && (q.size == 1 || lx.peek(1) == c && lx.peek(2) == c) {
				lx.since(12, lx.pos, 1, "the same quote inside a field of an f-string")
			}
			if !lx.nestedStr("", depth+1) {
				return false
			}
		case isNameStart(c):
			start := lx.pos
			for isNamePart(lx.peek(0)) {
				lx.pos++
			}
			name := lx.src[start:lx.pos]
			if c := lx.peek(0); (c == '"' || c == '\'') && isPrefix(name) {
				if c == q.char && q.size == 1 {
					lx.since(12, lx.pos, 1, "the same quote inside a field of an f-string")
				}
				if !lx.nestedStr(strings.ToLower(string(name)), depth+1) {
					return false
				}
			}
		case c == '#':
			lx.since(12, lx.pos, 1, "a comment in a field of an f-string")
			lx.comment()
		case lx.eol(lx.pos) > 0:
			if q.size == 1 {
				lx.since(12, lx.pos, 1, "a line end in a field of an f-string")
			}
			lx.newline(lx.pos + lx.eol(lx.pos))
		case c == '!':
			lx.pos += 2
		default:
			if c == '\\' {
				lx.since(12, lx.pos, 1, "a backslash in a field of an f-string")
			}
			lx.pos++
		}
	}
	return lx.unterminated(open, q)
}

// formatSpec takes what follows the colon, in which fields may stand again.
func (lx *lexer) formatSpec(open int, q quote, depth int) bool {
	if depth > maxNesting {
		return lx.fail("FN1203", open, 1, "too many nested f-strings")
	}
	// What follows the colon is text, not part of the expression.
	defer func(n int) { lx.fields = n }(lx.fields)
	lx.fields = 0
	for lx.pos < len(lx.src) {
		switch c := lx.src[lx.pos]; {
		case c == '}':
			return true
		case c == '{':
			if !lx.field(open, q, depth+1) {
				return false
			}
		case c == q.char && lx.closes(q):
			return lx.unterminated(open, q)
		case c == '\\':
			if !lx.escape(q) {
				return lx.unterminated(open, q)
			}
		case lx.eol(lx.pos) > 0:
			if q.size == 1 {
				return lx.unterminated(open, q)
			}
			lx.newline(lx.pos + lx.eol(lx.pos))
		default:
			lx.pos++
		}
	}
	return lx.unterminated(open, q)
}
