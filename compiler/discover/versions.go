package discover

// newSyntax notes statements that older versions of Python do not have; the
// keyword stands at toks[i].
func (lx *lexer) newSyntax(toks []token, i int) {
	if i+1 >= len(toks) {
		return
	}
	switch t := toks[i]; t.code {
	case softMatch:
		lx.tokenSince(10, t, "a match statement")
	case softCase:
		lx.plusInPattern(toks[i:])
	case kwExcept:
		if toks[i+1].code == opStar {
			lx.tokenSince(11, t, "except*")
		}
		lx.bareTuple(toks[i:])
	case kwDef, kwClass:
		lx.typeParameters(toks[i+1:])
	case kwWith:
		lx.bracketedWith(toks[i+1:])
	}
}

// plusInPattern finds the sign of a number, as in "case +1:".
func (lx *lexer) plusInPattern(toks []token) {
	for i, t := range toks[1:] {
		switch {
		case t.code == kwIf:
			return
		case t.code == opPlus && (i == 0 || !canEnd[toks[i].code]):
			lx.tokenSince(15, t, "a plus sign before a number of a pattern")
			return
		}
	}
}

// typeParameters finds those after the name that opens toks.
func (lx *lexer) typeParameters(toks []token) {
	if len(toks) < 2 || toks[1].code != opBracket {
		return
	}
	lx.tokenSince(12, toks[1], "type parameters")
	depth := 0
	for _, t := range toks[1:] {
		switch {
		case t.class == clOpen:
			depth++
		case t.class == clClose:
			if depth--; depth == 0 {
				return
			}
		case depth == 1 && t.code == opAssign:
			lx.tokenSince(13, t, "a type parameter with a default")
		}
	}
}

// bracketedWith finds "with (a as b, c as d):".
func (lx *lexer) bracketedWith(toks []token) {
	if toks[0].code != opParen {
		return
	}
	depth := 0
	for _, t := range toks {
		switch {
		case t.class == clOpen:
			depth++
		case t.class == clClose:
			depth--
		case depth == 1 && t.code == kwAs:
			lx.tokenSince(9, toks[0], "brackets around the items of a with statement")
			return
		}
	}
}

// relaxed notes decorators other than "@a.b" and "@a.b(...)".
func (lx *lexer) relaxed(toks []token) {
	i := 1
	for i+1 < len(toks) && toks[i].kind == tokName && toks[i+1].code == opDot {
		i += 2
	}
	if i < len(toks) && toks[i].kind == tokName {
		if i++; i == len(toks) || toks[i].code == opParen && closing(toks, i) == len(toks)-1 {
			return
		}
	}
	lx.tokenSince(9, toks[0], "a decorator that is more than a name and a call")
}

// bareTuple finds "except A, B:".
func (lx *lexer) bareTuple(toks []token) {
	depth := 0
	for _, t := range toks {
		switch {
		case t.class == clOpen:
			depth++
		case t.class == clClose:
			depth--
		case depth == 0 && t.class == clColon:
			return
		case depth == 0 && t.class == clComma:
			lx.tokenSince(14, t, "several exceptions without brackets")
			return
		}
	}
}
