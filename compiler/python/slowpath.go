package python

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// outcome is how a logical line goes on after a byte.
type outcome uint8

const (
	goesOn outcome = iota
	lineEnds
	stops // the source ended, or there was an error
)

// slowPath takes what the loop of read has no short way for; c stands at pos. It
// returns codeNone when that was no token.
func (lx *Lexer) slowPath(c byte) (Code, outcome) {
	ok, this := true, CodeNone
	switch byteClasses[c] {
	case byEnd:
		return CodeNone, lx.endOfLine()
	case byHash:
		ok = lx.comment()
	case byBackslash:
		ok = lx.continuation()
	case byLetter, byForeign:
		this, ok = lx.name()
	case byDigit:
		this = CodeNumber
		lx.pos = numberEnd(lx.Src, lx.pos)
	case byDot:
		this = lx.dot()
	case byQuote:
		this = CodeString
		ok = lx.str(prefix{})
	case byColon:
		this = lx.colon()
	case byOpen:
		ok = lx.fail("FN1204", lx.pos, 1, "too many nested parentheses")
	case byClose:
		ok = lx.unmatched(c)
	default:
		ok = lx.fail("FN1204", lx.pos, 1, "invalid syntax: %q has no meaning here", string(rune(c)))
	}
	if !ok {
		return this, stops
	}
	return this, goesOn
}

func (lx *Lexer) endOfLine() outcome {
	lx.newline(lx.eol(lx.pos))
	switch {
	case lx.depth > 0:
		return goesOn
	case len(lx.Tokens) > 0:
		return lineEnds
	case !lx.indentation(): // only backslashes stood on the line
		return stops
	}
	return goesOn
}

// colon takes one, or ":=", and checks that it has a place: in round brackets it
// belongs to a lambda, or to the parameters of a def.
func (lx *Lexer) colon() Code {
	if lx.peek(1) == '=' {
		lx.since(8, lx.pos, 2, "an assignment expression")
		lx.pos += 2
		return OpWalrus
	}
	lx.pos++
	switch top := &lx.open[lx.depth]; {
	case top.lambdas > 0:
		top.lambdas--
	case lx.depth == 0 && lx.Shape.Colon < 0:
		lx.Shape.Colon = int32(len(lx.Tokens))
	case top.char == '(' && (lx.depth > 1 || !inDef(lx.Tokens)):
		lx.Shape.Clashes = true
	}
	return OpColon
}

func (lx *Lexer) dot() Code {
	switch d := lx.peek(1); {
	case isDigit(d):
		lx.pos = numberEnd(lx.Src, lx.pos)
		return CodeNumber
	case d == '.' && lx.peek(2) == '.':
		lx.pos += 3
		return OpEllipsis
	}
	lx.pos++
	return OpDot
}

// name reads an identifier, a keyword, or a string with a prefix, some of whose
// letters are outside ASCII.
func (lx *Lexer) name() (Code, bool) {
	start := lx.pos
	for lx.pos < len(lx.Src) && isNamePart(lx.Src[lx.pos]) {
		if lx.Src[lx.pos] < utf8.RuneSelf {
			lx.pos++
		} else if !lx.foreign() {
			return CodeNone, false
		}
	}
	if q := lx.peek(0); q == '"' || q == '\'' {
		if p, ok := prefixOf(lx.Src[start:lx.pos]); ok {
			return CodeString, lx.str(p)
		}
	}
	this := CodeName
	if lx.pos-start <= longestWord {
		this = lookUp(pack(lx.Src[start:lx.pos]))
	}
	if this != CodeName && !lx.word(this) {
		return this, lx.inBrackets(Token{Lexemes[this], int32(start), int32(lx.pos), lx.line})
	}
	return this, true
}

// inBrackets refuses a word that only opens statements. At the start of a line it
// means that the bracket before it was not closed.
func (lx *Lexer) inBrackets(t Token) bool {
	before := lx.Src[:t.Start]
	if len(bytes.TrimSpace(before[bytes.LastIndexAny(before, "\n\r")+1:])) == 0 {
		return lx.neverClosed()
	}
	if len(lx.Tokens) < maxTokens {
		lx.Tokens = append(lx.Tokens, t)
	}
	return lx.fail("FN1204", int(t.Start), int(t.End-t.Start), "invalid syntax: %q cannot stand in brackets", lx.Src[t.Start:t.End])
}

// foreign takes one letter outside ASCII.
func (lx *Lexer) foreign() bool {
	r, n := utf8.DecodeRune(lx.Src[lx.pos:])
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

func (lx *Lexer) neverClosed() bool {
	b := lx.open[lx.depth]
	return lx.fail("FN1201", int(b.start), 1, "'%c' was never closed", b.char)
}

func (lx *Lexer) unmatched(c byte) bool {
	if lx.depth == 0 {
		return lx.fail("FN1202", lx.pos, 1, "unmatched '%c'", c)
	}
	on, open := "", lx.open[lx.depth]
	if open.line != lx.line {
		on = fmt.Sprintf(" on line %d", open.line)
	}
	return lx.fail("FN1202", lx.pos, 1, "closing parenthesis '%c' does not match opening parenthesis '%c'%s", c, open.char, on)
}
