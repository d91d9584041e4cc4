package discover

import "fmt"

// The checks of this file find the everyday faults of a statement by looking at
// neighbouring tokens. They are not a grammar: what they refuse is never valid
// Python of any version, and what they let pass is judged when the dependencies
// are built, by the interpreter that will run it.

func (lx *lexer) text(t token) []byte { return lx.src[t.start:t.end] }

func (lx *lexer) is(t token, text string) bool {
	return int(t.end-t.start) == len(text) && string(lx.text(t)) == text
}

// neighbours checks each pair of tokens of one statement. Brackets that are open
// at the end are none of its business.
func (lx *lexer) neighbours(toks []token) *syntaxError {
	if len(toks) < 2 || !lx.shape.clashes && canStart(toks[0].lexeme) {
		return nil // the lexer saw no clash in the whole line
	}
	return lx.pairwise(toks)
}

// pairwise does so token by token, and reports the first fault.
func (lx *lexer) pairwise(toks []token) *syntaxError {
	if len(toks) < 2 {
		return nil
	}
	if !canStart(toks[0].lexeme) {
		return tokenFault(toks[0], "invalid syntax")
	}
	n := nesting{inDef: inDef(toks), stack: append(lx.stack[:0], level{})}
	defer func() { lx.stack = n.stack }()
	n.take(toks[0])
	for i := 1; i < len(toks); i++ {
		if why := clash(toks[i-1].lexeme, toks[i].lexeme); why != fits {
			return lx.refuse(toks, i, lx.because(why, toks[i]))
		}
		if !n.take(toks[i]) || n.bracketed() && toks[i-1].class == clComma && toks[i].infix {
			return lx.refuse(toks, i, "invalid syntax")
		}
		if i > 1 && toks[i].code == opBracketEnd && toks[i-1].code == opBracket && canEnd[toks[i-2].code] {
			return lx.refuse(toks, i, "invalid syntax: the index is missing")
		}
	}
	return nil
}

func (lx *lexer) because(why verdict, t token) string {
	switch why {
	case wantsName:
		return "invalid syntax: expected a name after '.'"
	case misplaced:
		return fmt.Sprintf("invalid syntax: %q cannot stand here", lx.text(t))
	}
	return "invalid syntax"
}

// refuse reports the token at i. A clash across lines inside brackets is a
// bracket that was not closed, and that is the place to look at.
func (lx *lexer) refuse(toks []token, i int, why string) *syntaxError {
	if toks[i].line != toks[i-1].line {
		if b, ok := openAt(toks[:i]); ok {
			return &syntaxError{"FN1201", int(b.start), 1, fmt.Sprintf("'%c' was never closed", lx.src[b.start])}
		}
	}
	return tokenFault(toks[i], why)
}

func tokenFault(t token, why string) *syntaxError {
	return &syntaxError{"FN1204", int(t.start), int(t.end - t.start), why}
}

// openAt returns the innermost bracket that toks leave open.
func openAt(toks []token) (token, bool) {
	depth := 0
	for i := len(toks) - 1; i >= 0; i-- {
		switch toks[i].class {
		case clClose:
			depth++
		case clOpen:
			if depth == 0 {
				return toks[i], true
			}
			depth--
		}
	}
	return token{}, false
}

// complete checks that a statement does not stop in the middle.
func (lx *lexer) complete(toks []token) *syntaxError {
	last := toks[len(toks)-1]
	bad := incomplete(last.lexeme)
	if toks[0].code == kwFrom || toks[0].code == kwImport {
		bad = bad && last.class != clStar || last.class == clComma
	}
	if bad {
		return tokenFault(last, fmt.Sprintf("invalid syntax: the statement stops after %q", lx.text(last)))
	}
	return nil
}

// incomplete reports whether something must follow x in its statement.
func incomplete(x lexeme) bool {
	switch x.class {
	case clStrict, clTilde, clColon, clStar:
		return true
	case clKeyword:
		return x.keyword&needsOperand != 0
	}
	return false
}

// closing finds the bracket that closes the one at i, or -1.
func closing(toks []token, i int) int {
	depth := 0
	for ; i < len(toks); i++ {
		switch toks[i].class {
		case clOpen:
			depth++
		case clClose:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}
