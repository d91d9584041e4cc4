package discover

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

func (s *scanner) since(minor int, t token, what string) {
	s.lx.since(minor, int(t.start), int(t.end-t.start), what)
}

// newSyntax notes statements that older versions of Python do not have; the
// keyword stands at toks[i].
func (s *scanner) newSyntax(toks []token, i int) {
	if i+1 >= len(toks) {
		return
	}
	switch t := toks[i]; t.code {
	case softMatch:
		s.since(10, t, "a match statement")
	case softCase:
		s.plusInPattern(toks[i:])
	case kwExcept:
		if toks[i+1].code == opStar {
			s.since(11, t, "except*")
		}
		s.bareTuple(toks[i:])
	case kwDef, kwClass:
		s.typeParameters(toks[i+1:])
	case kwWith:
		s.bracketedWith(toks[i+1:])
	}
}

// plusInPattern finds the sign of a number, as in "case +1:".
func (s *scanner) plusInPattern(toks []token) {
	for i, t := range toks[1:] {
		switch {
		case t.code == kwIf:
			return
		case t.code == opPlus && (i == 0 || !canEnd[toks[i].code]):
			s.since(15, t, "a plus sign before a number of a pattern")
			return
		}
	}
}

// typeParameters finds those after the name that opens toks.
func (s *scanner) typeParameters(toks []token) {
	if len(toks) < 2 || toks[1].code != opBracket {
		return
	}
	s.since(12, toks[1], "type parameters")
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
			s.since(13, t, "a type parameter with a default")
		}
	}
}

// bracketedWith finds "with (a as b, c as d):".
func (s *scanner) bracketedWith(toks []token) {
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
			s.since(9, toks[0], "brackets around the items of a with statement")
			return
		}
	}
}

// relaxed notes decorators other than "@a.b" and "@a.b(...)".
func (s *scanner) relaxed(toks []token) {
	i := 1
	for i+1 < len(toks) && toks[i].kind == tokName && toks[i+1].code == opDot {
		i += 2
	}
	if i < len(toks) && toks[i].kind == tokName {
		if i++; i == len(toks) || toks[i].code == opParen && s.closing(toks, i) == len(toks)-1 {
			return
		}
	}
	s.since(9, toks[0], "a decorator that is more than a name and a call")
}

// bareTuple finds "except A, B:".
func (s *scanner) bareTuple(toks []token) {
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
			s.since(14, t, "several exceptions without brackets")
			return
		}
	}
}
