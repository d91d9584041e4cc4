package discover

import (
	"bytes"
	"fmt"
)

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
	src    []byte
	pos    int
	line   int32
	tokens []token
	// open are the brackets around pos, depth how many.
	open  [maxBrackets + 1]bracket
	depth int
	shape shape
	// column and alt are the indentation of the logical line with tabs as eight
	// columns and as one, as Python measures it.
	column, alt int
	bytesOnly   bool // the source says that it is not UTF-8
	returns     bool // it has carriage returns
	long        bool // the line had more than maxTokens
	// fields is how many f-string fields are open, newest the newest syntax met.
	fields int
	newest newer
	err    *syntaxError
	// starts are where lines start, once somebody asked.
	starts []int32
	// stack is what pairwise works in, kept for its memory.
	stack []level
}

// reset makes the lexer ready for a source; it keeps its memory.
func (lx *lexer) reset(src []byte) {
	*lx = lexer{src: src, line: 1, tokens: lx.tokens[:0], starts: lx.starts[:0], stack: lx.stack[:0]}
	if bytes.HasPrefix(src, byteOrderMark) {
		lx.pos = len(byteOrderMark)
	}
	lx.bytesOnly = otherEncoding(src[lx.pos:])
	lx.returns = bytes.IndexByte(src, '\r') >= 0
}

func (lx *lexer) fail(code string, pos, width int, format string, args ...any) bool {
	if lx.err == nil {
		lx.err = &syntaxError{code: code, pos: pos, width: width, msg: fmt.Sprintf(format, args...)}
	}
	return false
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
	lx.depth, lx.open[0] = 0, bracket{}
	lx.shape = shape{colon: -1}
	return lx.indentation() && lx.read()
}

// read takes tokens up to the end of the logical line. Nearly all time of a scan
// is spent in this loop: it keeps its place in local variables, does at once what
// is common, and hands over the rest.
func (lx *lexer) read() bool {
	src, pos, toks := lx.src, lx.pos, lx.tokens
	previous, clashes := codeNone, uint64(0)
	for pos < len(src) {
		start, line, c := pos, lx.line, src[pos]
		var this code
		switch byteClasses[c] {
		case bySpace:
			if pos++; pos < len(src) && src[pos] == ' ' {
				pos = skipSpaces(src, pos)
			}
			continue
		case byLetter:
			if this, pos = nameAt(src, start); pos < len(src) && endsNoName[src[pos]] { // a prefix of a string, or letters outside ASCII
				this, pos = codeNone, start
				break
			}
			if this != codeName && !lx.word(this) {
				lx.tokens = toks
				return lx.inBrackets(token{lexemes[this], int32(start), int32(pos), line})
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
				this = opDot
				pos++
			}
		case byQuote:
			for pos++; pos < len(src) && inString[src[pos]]; pos++ {
			}
			if pos == len(src) || src[pos] != c || pos == start+1 { // empty, triple, with escapes ...
				pos = start
				break
			}
			this = codeString
			pos++
		case byOpen:
			if lx.depth < maxBrackets {
				lx.depth++
				lx.open[lx.depth] = bracket{char: c, index: canEnd[previous], soft: len(toks) == 1 && isSoft(previous), start: int32(pos), line: line}
				this = operators[c].one
				pos++
			}
		case byClose:
			if top := &lx.open[lx.depth]; closers[top.char] == c {
				this = operators[c].one
				if this == opBracketEnd && previous == opBracket && top.index {
					clashes = 1
				}
				lx.depth--
				pos++
			}
		case byColon:
			lx.pos, lx.tokens = pos, toks
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
				this = codeNumber
			} else {
				pos = start
			}
		}
		if this == codeNone {
			lx.pos, lx.tokens = pos, toks
			var after outcome
			if this, after = lx.slowPath(c); after != goesOn {
				lx.leave(lx.pos, lx.tokens, clashes)
				return after == lineEnds
			}
			if pos = lx.pos; this == codeNone {
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
		t.lexeme, t.start, t.end, t.line = lexemes[this], int32(start), int32(pos), line
		if pos < len(src) {
			pos += int(oneSpace[src[pos]])
		}
	}
	lx.leave(pos, toks, clashes)
	if lx.depth > 0 {
		return lx.neverClosed()
	}
	return len(lx.tokens) > 0
}

// leave puts back what read kept in variables.
func (lx *lexer) leave(pos int, toks []token, clashes uint64) {
	lx.pos, lx.tokens = pos, toks
	lx.shape.clashes = lx.shape.clashes || clashes&1 != 0
}
