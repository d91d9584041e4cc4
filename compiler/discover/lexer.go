package discover

import (
	"bytes"
	"fmt"
	"regexp"
	"unicode"
	"unicode/utf8"
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
	err         *syntaxError
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
	lx.tokens = lx.tokens[:0]
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
			if len(lx.brackets) == 0 {
				return true
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

func (lx *lexer) add(kind tokenKind, start int, line int32) {
	lx.tokens = append(lx.tokens, token{kind: kind, start: int32(start), end: int32(lx.pos), line: line})
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

// name reads an identifier, a keyword, or a string with a prefix.
func (lx *lexer) name() bool {
	start, line := lx.pos, lx.line
	for lx.pos < len(lx.src) && isNamePart(lx.src[lx.pos]) {
		if lx.src[lx.pos] < utf8.RuneSelf {
			lx.pos++
		} else if !lx.foreign() {
			return false
		}
	}
	text := lx.src[start:lx.pos]
	if q := lx.peek(0); (q == '"' || q == '\'') && isPrefix(text) {
		if !lx.str(string(bytes.ToLower(text))) {
			return false
		}
		lx.add(tokString, start, line)
		return true
	}
	lx.add(tokName, start, line)
	t := &lx.tokens[len(lx.tokens)-1]
	t.keyword = keywords[string(text)]
	if len(lx.brackets) == 0 || t.keyword&onlyStatement == 0 {
		return true
	}
	if lx.startsLine(t) {
		lx.tokens = lx.tokens[:len(lx.tokens)-1]
		return lx.neverClosed()
	}
	return lx.fail("FN1204", start, len(text), "invalid syntax: %q cannot stand in brackets", text)
}

// startsLine reports whether only white space stands before t on its line.
func (lx *lexer) startsLine(t *token) bool {
	return len(bytes.TrimSpace(lx.src[lx.lineStarts[t.line-1]:t.start])) == 0
}

// foreign takes one letter outside ASCII.
func (lx *lexer) foreign() bool {
	r, n := utf8.DecodeRune(lx.src[lx.pos:])
	switch {
	case lx.bytesOnly:
		n = 1
	case r == utf8.RuneError && n <= 1:
		return lx.fail("FN1206", lx.pos, 1, "the file is not UTF-8")
	case notInNames(r):
		return lx.fail("FN1204", lx.pos, n, "invalid character '%c' (U+%04X)", r, r)
	}
	lx.pos += n
	return true
}

// notInNames is true of quotes, dashes and blanks such as word processors put in
// place of the ASCII ones. The few of them that Unicode allows in identifiers
// for old times' sake (Other_ID_Start, Other_ID_Continue) are left to Python.
func notInNames(r rune) bool {
	switch r {
	case 0x2118, 0x212e, 0x309b, 0x309c, 0xb7, 0x387, 0x30fb, 0xff65, 0x200c, 0x200d:
		return false
	}
	return unicode.IsPunct(r) && !unicode.Is(unicode.Pc, r) || unicode.IsSymbol(r) || unicode.IsSpace(r) || unicode.IsControl(r)
}

// number takes digits, letters and dots as far as one number goes.
func (lx *lexer) number() {
	if lx.src[lx.pos] == '0' && lx.pos+1 < len(lx.src) {
		if digits := radixDigits(lx.src[lx.pos+1]); digits != "" {
			lx.pos += 2
			for lx.pos < len(lx.src) && bytes.IndexByte([]byte(digits), lx.src[lx.pos]) >= 0 {
				lx.pos++
			}
			return
		}
	}
	lx.digits()
	if lx.peek(0) == '.' {
		lx.pos++
		lx.digits()
	}
	if lx.peek(0)|32 == 'e' {
		sign := 1
		if c := lx.peek(1); c == '+' || c == '-' {
			sign = 2
		}
		if isDigit(lx.peek(sign)) {
			lx.pos += sign
			lx.digits()
		}
	}
	if lx.peek(0)|32 == 'j' {
		lx.pos++
	}
}

func radixDigits(c byte) string {
	switch c | 32 {
	case 'x':
		return "0123456789abcdefABCDEF_"
	case 'o':
		return "01234567_"
	case 'b':
		return "01_"
	}
	return ""
}

func (lx *lexer) digits() {
	for isDigit(lx.peek(0)) || lx.peek(0) == '_' && isDigit(lx.peek(1)) {
		lx.pos++
	}
}

// operator returns the length of the longest operator here, 0 when there is none.
func (lx *lexer) operator(c byte) int {
	d, e := lx.peek(1), lx.peek(2)
	switch c {
	case '(', ')', '[', ']', '{', '}', ',', ';', '~':
		return 1
	case '.':
		if d == '.' && e == '.' {
			return 3
		}
		return 1
	case '*', '/', '<', '>':
		if d == c && e == '=' {
			return 3
		}
		if d == c || d == '=' {
			return 2
		}
		return 1
	case '-':
		if d == '>' || d == '=' {
			return 2
		}
		return 1
	case '+', '%', '&', '|', '^', '@', '=', ':':
		if d == '=' {
			return 2
		}
		return 1
	case '!':
		if d == '=' {
			return 2
		}
	}
	return 0
}

func isNameStart(c byte) bool {
	return c|32 >= 'a' && c|32 <= 'z' || c == '_' || c >= utf8.RuneSelf
}
func isNamePart(c byte) bool { return isNameStart(c) || isDigit(c) }
func isDigit(c byte) bool    { return c >= '0' && c <= '9' }
