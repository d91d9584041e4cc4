// Package python reads the source of Python by logical lines: it cuts them into tokens,
// and finds the faults of a statement that no version of Python forgives. It knows no
// Powers and keeps nothing of what it has read. A whole grammar it is not, so syntax
// that is newer than itself does not upset it.
package python

import (
	"bytes"
	"fmt"
)

// Fault is a fault at a place of the source. Python's own words are used
// where there are any, since people search for them.
type Fault struct {
	Code  string
	Pos   int
	Width int
	Msg   string
}

// Lexer cuts a source into logical lines. It never goes back, so that its work
// is linear in the source, and holds the tokens of one logical line at a time.
type Lexer struct {
	// Src is the source, Tokens the logical line that was read last, and Shape what is
	// known of it as a whole.
	Src    []byte
	Tokens []Token
	Shape  Shape
	// Long says that the line has more tokens than are kept.
	Long bool
	// Column and Alt are the indentation of the logical line with tabs as eight
	// columns and as one, as Python measures it.
	Column, Alt int
	// Newest is the newest syntax met, and Err what ended the reading.
	Newest Newer
	Err    *Fault

	pos  int
	line int32
	// open are the brackets around pos, depth how many.
	open  [maxBrackets + 1]bracket
	depth int
	// fields is how many f-string fields are open.
	fields    int
	bytesOnly bool // the source says that it is not UTF-8
	returns   bool // it has carriage returns
	// starts are where lines start, once somebody asked.
	starts []int32
	// stack is what Pairwise works in, kept for its memory.
	stack []level
}

// Reset makes the lexer ready for a source; it keeps its memory.
func (lx *Lexer) Reset(src []byte) {
	*lx = Lexer{Src: src, line: 1, Tokens: lx.Tokens[:0], starts: lx.starts[:0], stack: lx.stack[:0]}
	if bytes.HasPrefix(src, byteOrderMark) {
		lx.pos = len(byteOrderMark)
	}
	lx.bytesOnly = otherEncoding(src[lx.pos:])
	lx.returns = bytes.IndexByte(src, '\r') >= 0
}

func (lx *Lexer) fail(code string, pos, width int, format string, args ...any) bool {
	if lx.Err == nil {
		lx.Err = &Fault{Code: code, Pos: pos, Width: width, Msg: fmt.Sprintf(format, args...)}
	}
	return false
}

func (lx *Lexer) peek(n int) byte {
	if lx.pos+n < len(lx.Src) {
		return lx.Src[lx.pos+n]
	}
	return 0
}

// Next reads one logical line into tokens. It is false at the end of the source
// and after an error; then tokens holds what was read before it.
func (lx *Lexer) Next() bool {
	lx.Tokens, lx.Long = lx.Tokens[:0], false
	lx.depth, lx.open[0] = 0, bracket{}
	lx.Shape = Shape{Colon: -1}
	return lx.indentation() && lx.read()
}

// read takes tokens up to the end of the logical line. Nearly all time of a scan
// is spent in this loop: it keeps its place in local variables, does at once what
// is common, and hands over the rest.
func (lx *Lexer) read() bool {
	src, pos, toks := lx.Src, lx.pos, lx.Tokens
	previous, clashes := CodeNone, uint64(0)
	for pos < len(src) {
		start, line, c := pos, lx.line, src[pos]
		var this Code
		switch byteClasses[c] {
		case bySpace:
			if pos++; pos < len(src) && src[pos] == ' ' {
				pos = skipSpaces(src, pos)
			}
			continue
		case byLetter:
			if this, pos = nameAt(src, start); pos < len(src) && endsNoName[src[pos]] { // a prefix of a string, or letters outside ASCII
				this, pos = CodeNone, start
				break
			}
			if this != CodeName && !lx.word(this) {
				lx.Tokens = toks
				return lx.inBrackets(Token{Lexemes[this], int32(start), int32(pos), line})
			}
		case byOperator:
			var n int
			this, n = operatorAt(src, pos)
			pos += n
			if noticed[this] {
				lx.notice(this, previous, start)
			}
		case byDot:
			if pos+1 == len(src) || byteClasses[src[pos+1]] == byLetter {
				this = OpDot
				pos++
			}
		case byQuote:
			for pos++; pos < len(src) && inString[src[pos]]; pos++ {
			}
			if pos == len(src) || src[pos] != c || pos == start+1 { // empty, triple, with escapes ...
				pos = start
				break
			}
			this = CodeString
			pos++
		case byOpen:
			if lx.depth < maxBrackets {
				lx.depth++
				lx.open[lx.depth] = bracket{char: c, index: canEnd[previous], soft: len(toks) == 1 && IsSoft(previous), start: int32(pos), line: line}
				this = operators[c].one
				pos++
			}
		case byClose:
			if top := &lx.open[lx.depth]; closers[top.char] == c {
				this = operators[c].one
				if this == OpBracketEnd && previous == OpBracket && top.index {
					clashes = 1
				}
				lx.depth--
				pos++
			}
		case byColon:
			lx.pos, lx.Tokens = pos, toks
			this = lx.colon()
			pos = lx.pos
		case byEnd:
			if c != '\n' {
				break
			}
			if lx.depth > 0 {
				pos++
				lx.line++
				continue
			}
			if len(toks) > 0 {
				lx.leave(pos+1, toks, clashes)
				lx.line++
				return true
			}
		case byDigit:
			for pos++; pos < len(src) && isDigit(src[pos]); pos++ {
			}
			if pos == len(src) || !inNumber[src[pos]] {
				this = CodeNumber
			} else {
				pos = start
			}
		}
		if this == CodeNone {
			lx.pos, lx.Tokens = pos, toks
			var after outcome
			if this, after = lx.slowPath(c); after != goesOn {
				lx.leave(lx.pos, lx.Tokens, clashes)
				return after == lineEnds
			}
			if pos = lx.pos; this == CodeNone {
				continue
			}
		}
		clashes |= clashing[previous][this>>6] >> (this & 63)
		previous = this
		if len(toks) == cap(toks) {
			toks = lx.spill(toks)
		}
		// Field by field: a whole token would be made elsewhere and copied.
		toks = toks[:len(toks)+1]
		t := &toks[len(toks)-1]
		t.Lexeme, t.Start, t.End, t.Line = Lexemes[this], int32(start), int32(pos), line
		if pos < len(src) {
			pos += int(oneSpace[src[pos]])
		}
	}
	lx.leave(pos, toks, clashes)
	if lx.depth > 0 {
		return lx.neverClosed()
	}
	return len(lx.Tokens) > 0
}

// leave puts back what read kept in variables.
func (lx *Lexer) leave(pos int, toks []Token, clashes uint64) {
	lx.pos, lx.Tokens = pos, toks
	lx.Shape.Clashes = lx.Shape.Clashes || clashes&1 != 0
}
