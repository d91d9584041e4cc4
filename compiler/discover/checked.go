package discover

import "fngen.dev/fngen/compiler/python"

func (s *scanner) text(t python.Token) []byte { return s.lx.Text(t) }

func (s *scanner) is(t python.Token, text string) bool { return s.lx.Is(t, text) }

// neighbours checks each pair of tokens of one statement. Brackets that are open
// at the end are none of its business.
func (s *scanner) neighbours(toks []python.Token) bool {
	if s.thorough {
		return s.pairwise(toks)
	}
	return s.accepts(s.lx.Neighbours(toks))
}

// pairwise does so token by token.
func (s *scanner) pairwise(toks []python.Token) bool { return s.accepts(s.lx.Pairwise(toks)) }

// complete checks that a statement does not stop in the middle.
func (s *scanner) complete(toks []python.Token) bool { return s.accepts(s.lx.Complete(toks)) }

// accepts reports what the grammar refuses, if it does.
func (s *scanner) accepts(e *python.Fault) bool {
	return e == nil || s.syntax(e.Code, e.Pos, e.Width, e.Msg)
}
