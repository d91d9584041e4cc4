package python

import "bytes"

// field takes a replacement field, {expression!conversion:format}.
func (lx *Lexer) field(open int, q quote, depth int) bool {
	start := lx.pos
	lx.pos++
	if !lx.fieldExpression(open, q, depth) {
		return false
	}
	if len(bytes.TrimSpace(lx.Src[start+1:lx.pos])) == 0 && lx.peek(0) != ':' {
		return lx.fail("FN1204", start, 1, "f-string: empty expression not allowed")
	}
	if lx.peek(0) == '!' {
		lx.pos++
		for isNamePart(lx.peek(0)) {
			lx.pos++
		}
		lx.fieldSpace(q)
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

// fieldSpace passes blanks, line ends and comments after a conversion.
func (lx *Lexer) fieldSpace(q quote) {
	for lx.pos < len(lx.Src) {
		switch byteClasses[lx.Src[lx.pos]] {
		case bySpace:
			lx.pos++
		case byEnd:
			lx.fieldLine(q)
		case byHash:
			lx.since(12, lx.pos, 1, "a comment in a field of an f-string")
			if !lx.comment() {
				return
			}
		default:
			return
		}
	}
}

// fieldLine passes a line end in a field.
func (lx *Lexer) fieldLine(q quote) {
	if q.size == 1 {
		lx.since(12, lx.pos, 1, "a line end in a field of an f-string")
	}
	lx.newline(lx.eol(lx.pos))
}

// fieldExpression takes the expression up to the "!", ":" or "}" that ends it.
func (lx *Lexer) fieldExpression(open int, q quote, depth int) bool {
	lx.fields++
	defer func() { lx.fields-- }()
	var brackets []byte
	for lx.pos < len(lx.Src) {
		c := lx.Src[lx.pos]
		switch {
		case len(brackets) == 0 && (c == '}' || c == ':' || c == '!' && lx.peek(1) != '='):
			return true
		case c == '(' || c == '[' || c == '{':
			brackets = append(brackets, closers[c])
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
			if !lx.nestedStr(prefix{}, depth+1) {
				return false
			}
		case isNameStart(c):
			start := lx.pos
			for isNamePart(lx.peek(0)) {
				lx.pos++
			}
			c := lx.peek(0)
			if c != '"' && c != '\'' {
				break
			}
			if p, ok := prefixOf(lx.Src[start:lx.pos]); ok {
				if c == q.char && q.size == 1 {
					lx.since(12, lx.pos, 1, "the same quote inside a field of an f-string")
				}
				if !lx.nestedStr(p, depth+1) {
					return false
				}
			}
		case c == '#':
			lx.since(12, lx.pos, 1, "a comment in a field of an f-string")
			if !lx.comment() {
				return false
			}
		case lx.eol(lx.pos) > 0:
			lx.fieldLine(q)
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
func (lx *Lexer) formatSpec(open int, q quote, depth int) bool {
	if depth > maxNesting {
		return lx.fail("FN1203", open, 1, "too many nested f-strings")
	}
	// What follows the colon is text, not part of the expression.
	defer func(n int) { lx.fields = n }(lx.fields)
	lx.fields = 0
	for lx.pos < len(lx.Src) {
		switch c := lx.Src[lx.pos]; {
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
			lx.newline(lx.eol(lx.pos))
		default:
			lx.pos++
		}
	}
	return lx.unterminated(open, q)
}
