package python

// NewSyntax notes statements that older versions of Python do not have; the
// keyword stands at toks[i].
func (lx *Lexer) NewSyntax(toks []Token, i int) {
	if i+1 >= len(toks) {
		return
	}
	switch t := toks[i]; t.Code {
	case SoftMatch:
		lx.TokenSince(10, t, "a match statement")
	case SoftCase:
		lx.plusInPattern(toks[i:])
	case KwExcept:
		if toks[i+1].Code == OpStar {
			lx.TokenSince(11, t, "except*")
		}
		lx.bareTuple(toks[i:])
	case KwDef, KwClass:
		lx.TypeParameters(toks[i+1:])
	case KwWith:
		lx.bracketedWith(toks[i+1:])
	}
}

// plusInPattern finds the sign of a number, as in "case +1:".
func (lx *Lexer) plusInPattern(toks []Token) {
	for i, t := range toks[1:] {
		switch {
		case t.Code == KwIf:
			return
		case t.Code == OpPlus && (i == 0 || !canEnd[toks[i].Code]):
			lx.TokenSince(15, t, "a plus sign before a number of a pattern")
			return
		}
	}
}

// TypeParameters finds those after the name that opens toks.
func (lx *Lexer) TypeParameters(toks []Token) {
	if len(toks) < 2 || toks[1].Code != OpBracket {
		return
	}
	lx.TokenSince(12, toks[1], "type parameters")
	depth := 0
	for _, t := range toks[1:] {
		switch {
		case t.Class == ClassOpen:
			depth++
		case t.Class == ClassClose:
			if depth--; depth == 0 {
				return
			}
		case depth == 1 && t.Code == OpAssign:
			lx.TokenSince(13, t, "a type parameter with a default")
		}
	}
}

// bracketedWith finds "with (a as b, c as d):".
func (lx *Lexer) bracketedWith(toks []Token) {
	if toks[0].Code != OpParen {
		return
	}
	depth := 0
	for _, t := range toks {
		switch {
		case t.Class == ClassOpen:
			depth++
		case t.Class == ClassClose:
			depth--
		case depth == 1 && t.Code == KwAs:
			lx.TokenSince(9, toks[0], "brackets around the items of a with statement")
			return
		}
	}
}

// Relaxed notes decorators other than "@a.b" and "@a.b(...)".
func (lx *Lexer) Relaxed(toks []Token) {
	i := 1
	for i+1 < len(toks) && toks[i].Kind == Name && toks[i+1].Code == OpDot {
		i += 2
	}
	if i < len(toks) && toks[i].Kind == Name {
		if i++; i == len(toks) || toks[i].Code == OpParen && Closing(toks, i) == len(toks)-1 {
			return
		}
	}
	lx.TokenSince(9, toks[0], "a decorator that is more than a name and a call")
}

// bareTuple finds "except A, B:".
func (lx *Lexer) bareTuple(toks []Token) {
	depth := 0
	for _, t := range toks {
		switch {
		case t.Class == ClassOpen:
			depth++
		case t.Class == ClassClose:
			depth--
		case depth == 0 && t.Class == ClassColon:
			return
		case depth == 0 && t.Class == ClassComma:
			lx.TokenSince(14, t, "several exceptions without brackets")
			return
		}
	}
}
