package discover

func (s *scanner) text(t token) []byte { return s.lx.text(t) }

func (s *scanner) is(t token, text string) bool { return s.lx.is(t, text) }

// neighbours checks each pair of tokens of one statement. Brackets that are open
// at the end are none of its business.
func (s *scanner) neighbours(toks []token) bool {
	if s.thorough {
		return s.pairwise(toks)
	}
	return s.accepts(s.lx.neighbours(toks))
}

// pairwise does so token by token.
func (s *scanner) pairwise(toks []token) bool { return s.accepts(s.lx.pairwise(toks)) }

// complete checks that a statement does not stop in the middle.
func (s *scanner) complete(toks []token) bool { return s.accepts(s.lx.complete(toks)) }

// accepts reports what the grammar refuses, if it does.
func (s *scanner) accepts(e *syntaxError) bool {
	return e == nil || s.syntax(e.code, e.pos, e.width, e.msg)
}
