package discover

import (
	"bytes"
	"fmt"
	"regexp"
)

type tokenKind uint8

const (
	tokName tokenKind = iota
	tokNumber
	tokString
	tokOp
)

// token is a piece of one logical line: text is src[start:end].
type token struct {
	kind       tokenKind
	class      class
	infix      bool
	keyword    keyword
	start, end int32
	line       int32
}

// bracket is an open one.
type bracket struct {
	char  byte
	start int32
	line  int32
}

// syntaxError is a fault at a place of the source. Python's own words are used
// where there are any, since people search for them.
type syntaxError struct {
	code  string
	pos   int
	width int
	msg   string
}

// maxTokens of one logical line are kept; a longer one is data, and is read over.
// maxBrackets may be open at once, as in CPython.
const (
	maxTokens   = 1 << 18
	maxBrackets = 200
)

// lexer cuts a source into logical lines. It never goes back, so that its work
// is linear in the source, and holds the tokens of one logical line at a time.
type lexer struct {
	src        []byte
	pos        int
	line       int32
	lineStarts []int32
	tokens     []token
	brackets   []bracket
	// column and alt are the indentation of the logical line with tabs as eight
	// columns and as one, as Python measures it.
	column, alt int
	bytesOnly   bool // the source says that it is not UTF-8
	long        bool // the line had more than maxTokens
	// fields is how many f-string fields are open, newest the newest syntax met.
	fields int
	newest newer
	err    *syntaxError
}

var coding = regexp.MustCompile(`^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)`)

func newLexer(src []byte) *lexer {
	lx := &lexer{src: src, line: 1, lineStarts: []int32{0}}
	if bytes.HasPrefix(src, []byte("\xef\xbb\xbf")) {
		lx.pos, lx.lineStarts[0] = 3, 3
	}
	rest := src[lx.pos:]
	for range 2 {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		if m := coding.FindSubmatch(line); m != nil {
			name := string(bytes.ToLower(m[1]))
			lx.bytesOnly = name != "utf-8" && name != "utf8"
			break
		}
		rest = after
	}
	return lx
}

func (lx *lexer) fail(code string, pos, width int, format string, args ...any) bool {
	if lx.err == nil {
		lx.err = &syntaxError{code: code, pos: pos, width: width, msg: fmt.Sprintf(format, args...)}
	}
	return false
}

// newline notes that a line starts at pos.
func (lx *lexer) newline(pos int) {
	lx.pos = pos
	lx.line++
	lx.lineStarts = append(lx.lineStarts, int32(pos))
}

// eol returns how many bytes the line end at i takes, 0 when there is none.
func (lx *lexer) eol(i int) int {
	switch {
	case i >= len(lx.src):
		return 0
	case lx.src[i] == '\n':
		return 1
	case lx.src[i] != '\r':
		return 0
	case i+1 < len(lx.src) && lx.src[i+1] == '\n':
		return 2
	}
	return 1
}

func (lx *lexer) peek(n int) byte {
	if lx.pos+n < len(lx.src) {
		return lx.src[lx.pos+n]
	}
	return 0
}

// next reads one logical line into tokens. It is false at the end of the source
// and after an error; then tokens holds what was read before it.
func (lx *lexer) next() bool {
	lx.tokens, lx.long = lx.tokens[:0], false
	lx.brackets = lx.brackets[:0]
	if !lx.indentation() {
		return false
	}
	for lx.pos < len(lx.src) {
		c := lx.src[lx.pos]
		switch {
		case c == ' ' || c == '\t' || c == '\f':
			lx.pos++
		case c == '\n' || c == '\r':
			lx.newline(lx.pos + lx.eol(lx.pos))
			switch {
			case len(lx.brackets) > 0:
			case len(lx.tokens) > 0:
				return true
			case !lx.indentation(): // only backslashes stood on the line
				return false
			}
		case c == '#':
			lx.comment()
		case c == '\\':
			if !lx.continuation() {
				return false
			}
		default:
			if !lx.token(c) {
				return false
			}
		}
	}
	if len(lx.brackets) > 0 {
		return lx.neverClosed()
	}
	return len(lx.tokens) > 0
}

func (lx *lexer) neverClosed() bool {
	b := lx.brackets[len(lx.brackets)-1]
	return lx.fail("FN1201", int(b.start), 1, "'%c' was never closed", b.char)
}

// indentation skips blank lines and measures the white space before the first
// token. It is false at the end of the source.
func (lx *lexer) indentation() bool {
	for lx.pos < len(lx.src) {
		lx.column, lx.alt = 0, 0
	spaces:
		for ; lx.pos < len(lx.src); lx.pos++ {
			switch lx.src[lx.pos] {
			case ' ':
				lx.column++
				lx.alt++
			case '\t':
				lx.column = (lx.column/8 + 1) * 8
				lx.alt++
			case '\f':
				lx.column, lx.alt = 0, 0
			default:
				break spaces
			}
		}
		if lx.peek(0) == '#' {
			lx.comment()
		}
		if n := lx.eol(lx.pos); n > 0 {
			lx.newline(lx.pos + n)
			continue
		}
		return lx.pos < len(lx.src)
	}
	return false
}

func (lx *lexer) comment() {
	for lx.pos < len(lx.src) && lx.src[lx.pos] != '\n' && lx.src[lx.pos] != '\r' {
		lx.pos++
	}
}

func (lx *lexer) continuation() bool {
	n := lx.eol(lx.pos + 1)
	switch {
	case n == 0 && lx.pos+1 < len(lx.src):
		return lx.fail("FN1204", lx.pos, 1, "unexpected character after line continuation character")
	case lx.pos+1+n >= len(lx.src):
		if len(lx.brackets) > 0 {
			return lx.neverClosed()
		}
		return lx.fail("FN1204", lx.pos, 1, "unexpected end of the file after a backslash")
	}
	lx.newline(lx.pos + 1 + n)
	return true
}

func (lx *lexer) add(kind tokenKind, start int, line int32) token {
	t := token{kind: kind, start: int32(start), end: int32(lx.pos), line: line}
	text := lx.src[start:lx.pos]
	if kind == tokName {
		t.keyword = keywords[string(text)]
	}
	t.class, t.infix = classify(kind, t.keyword, text)
	if len(lx.tokens) < maxTokens {
		lx.tokens = append(lx.tokens, t)
	} else {
		lx.long = true
	}
	return t
}

// newer is syntax that Python has since version 3.minor.
type newer struct {
	minor, pos, width int
	what              string
}

// since notes the newest syntax of the file, its first use.
func (lx *lexer) since(minor, pos, width int, what string) {
	if minor > lx.newest.minor {
		lx.newest = newer{minor, pos, width, what}
	}
}

func (lx *lexer) token(c byte) bool {
	start, line := lx.pos, lx.line
	switch {
	case isNameStart(c):
		return lx.name()
	case c >= '0' && c <= '9', c == '.' && isDigit(lx.peek(1)):
		lx.number()
		lx.add(tokNumber, start, line)
		return true
	case c == '"' || c == '\'':
		if !lx.str("") {
			return false
		}
		lx.add(tokString, start, line)
		return true
	}
	n := lx.operator(c)
	if n == 0 {
		return lx.fail("FN1204", lx.pos, 1, "invalid syntax: %q has no meaning here", string(rune(c)))
	}
	if n == 1 && !lx.bracket(c) {
		return false
	}
	lx.pos += n
	lx.add(tokOp, start, line)
	return true
}

func (lx *lexer) bracket(c byte) bool {
	switch c {
	case '(', '[', '{':
		if len(lx.brackets) >= maxBrackets {
			return lx.fail("FN1204", lx.pos, 1, "too many nested parentheses")
		}
		lx.brackets = append(lx.brackets, bracket{c, int32(lx.pos), lx.line})
	case ')', ']', '}':
		if len(lx.brackets) == 0 {
			return lx.fail("FN1202", lx.pos, 1, "unmatched '%c'", c)
		}
		open := lx.brackets[len(lx.brackets)-1]
		if closer(open.char) != c {
			on := ""
			if open.line != lx.line {
				on = fmt.Sprintf(" on line %d", open.line)
			}
			return lx.fail("FN1202", lx.pos, 1, "closing parenthesis '%c' does not match opening parenthesis '%c'%s", c, open.char, on)
		}
		lx.brackets = lx.brackets[:len(lx.brackets)-1]
	}
	return true
}

func closer(open byte) byte {
	switch open {
	case '(':
		return ')'
	case '[':
		return ']'
	}
	return '}'
}
