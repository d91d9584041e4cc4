package discover

func (s *scanner) since(minor int, t token, what string) {
	s.lx.since(minor, int(t.start), int(t.end-t.start), what)
}

// newSyntax notes statements that older versions of Python do not have; the
// keyword stands at toks[i].
func (s *scanner) newSyntax(toks []token, i int) {
	if i+1 >= len(toks) {
		return
	}
	switch t := toks[i]; {
	case s.is(t, "match"):
		s.since(10, t, "a match statement")
	case s.is(t, "except") && s.is(toks[i+1], "*"):
		s.since(11, t, "except*")
	case s.is(t, "except"):
		s.bareTuple(toks[i:])
	case s.is(t, "def") || s.is(t, "class"):
		if i+2 < len(toks) && s.is(toks[i+2], "[") {
			s.since(12, toks[i+2], "type parameters")
		}
	}
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
