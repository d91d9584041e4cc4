package python

import "fmt"

// The checks of this file find the everyday faults of a statement by looking at
// neighbouring tokens. They are not a grammar: what they refuse is never valid
// Python of any version, and what they let pass is judged when the dependencies
// are built, by the interpreter that will run it.

// Text is what a token of the source that is being read says.
func (lx *Lexer) Text(t Token) []byte { return lx.Src[t.Start:t.End] }

// Is reports whether a token says this.
func (lx *Lexer) Is(t Token, text string) bool {
	return int(t.End-t.Start) == len(text) && string(lx.Text(t)) == text
}

// Neighbours checks each pair of tokens of one statement. Brackets that are open
// at the end are none of its business.
func (lx *Lexer) Neighbours(toks []Token) *Fault {
	if len(toks) < 2 || !lx.Shape.Clashes && CanStart(toks[0].Lexeme) {
		return nil // the lexer saw no clash in the whole line
	}
	return lx.Pairwise(toks)
}

// Pairwise does so token by token, and reports the first fault.
func (lx *Lexer) Pairwise(toks []Token) *Fault {
	if len(toks) < 2 {
		return nil
	}
	if !CanStart(toks[0].Lexeme) {
		return tokenFault(toks[0], "invalid syntax")
	}
	n := nesting{inDef: inDef(toks), stack: append(lx.stack[:0], level{})}
	defer func() { lx.stack = n.stack }()
	n.take(toks[0])
	for i := 1; i < len(toks); i++ {
		if why := clash(toks[i-1].Lexeme, toks[i].Lexeme); why != fits {
			return lx.refuse(toks, i, lx.because(why, toks[i]))
		}
		if !n.take(toks[i]) || n.bracketed() && toks[i-1].Class == ClassComma && toks[i].infix {
			return lx.refuse(toks, i, "invalid syntax")
		}
		if i > 1 && toks[i].Code == OpBracketEnd && toks[i-1].Code == OpBracket && canEnd[toks[i-2].Code] {
			return lx.refuse(toks, i, "invalid syntax: the index is missing")
		}
	}
	return nil
}

func (lx *Lexer) because(why verdict, t Token) string {
	switch why {
	case wantsName:
		return "invalid syntax: expected a name after '.'"
	case misplaced:
		return fmt.Sprintf("invalid syntax: %q cannot stand here", lx.Text(t))
	}
	return "invalid syntax"
}

// refuse reports the token at i. A clash across lines inside brackets is a
// bracket that was not closed, and that is the place to look at.
func (lx *Lexer) refuse(toks []Token, i int, why string) *Fault {
	if toks[i].Line != toks[i-1].Line {
		if b, ok := openAt(toks[:i]); ok {
			return &Fault{"FN1201", int(b.Start), 1, fmt.Sprintf("'%c' was never closed", lx.Src[b.Start])}
		}
	}
	return tokenFault(toks[i], why)
}

func tokenFault(t Token, why string) *Fault {
	return &Fault{"FN1204", int(t.Start), int(t.End - t.Start), why}
}

// openAt returns the innermost bracket that toks leave open.
func openAt(toks []Token) (Token, bool) {
	depth := 0
	for i := len(toks) - 1; i >= 0; i-- {
		switch toks[i].Class {
		case ClassClose:
			depth++
		case ClassOpen:
			if depth == 0 {
				return toks[i], true
			}
			depth--
		}
	}
	return Token{}, false
}

// Complete checks that a statement does not stop in the middle.
func (lx *Lexer) Complete(toks []Token) *Fault {
	last := toks[len(toks)-1]
	bad := Incomplete(last.Lexeme)
	if toks[0].Code == KwFrom || toks[0].Code == KwImport {
		bad = bad && last.Class != ClassStar || last.Class == ClassComma
	}
	if bad {
		return tokenFault(last, fmt.Sprintf("invalid syntax: the statement stops after %q", lx.Text(last)))
	}
	return nil
}

// Incomplete reports whether something must follow x in its statement.
func Incomplete(x Lexeme) bool {
	switch x.Class {
	case ClassStrict, ClassTilde, ClassColon, ClassStar:
		return true
	case ClassKeyword:
		return x.Keyword&NeedsOperand != 0
	}
	return false
}

// Closing finds the bracket that closes the one at i, or -1.
func Closing(toks []Token, i int) int {
	depth := 0
	for ; i < len(toks); i++ {
		switch toks[i].Class {
		case ClassOpen:
			depth++
		case ClassClose:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}
