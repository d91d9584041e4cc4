package discover

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

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
	t := lx.add(tokName, start, line)
	if len(lx.brackets) == 0 || t.keyword&onlyStatement == 0 {
		return true
	}
	if lx.startsLine(t) {
		if !lx.long {
			lx.tokens = lx.tokens[:len(lx.tokens)-1]
		}
		return lx.neverClosed()
	}
	return lx.fail("FN1204", start, len(text), "invalid syntax: %q cannot stand in brackets", text)
}

// startsLine reports whether only white space stands before t on its line.
func (lx *lexer) startsLine(t token) bool {
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
