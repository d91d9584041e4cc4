package discover

import "fngen.dev/fngen/compiler/python"

// body lists the Powers of the function whose body is open, if it has any.
func (s *scanner) body() []int {
	for i := len(s.blocks) - 1; i > 0; i-- {
		if s.blocks[i].scope != "" {
			return s.blocks[i].uses
		}
	}
	return nil
}

// yields notes that a function is a generator. What follows a lambda may belong
// to it.
func (s *scanner) yields(toks []python.Token, uses []int) {
	if len(uses) == 0 {
		return
	}
	for _, t := range toks {
		switch {
		case s.is(t, "lambda"):
			return
		case s.is(t, "yield"):
			for _, i := range uses {
				s.out.Uses[i].Generator = true
			}
			return
		}
	}
}

// gives notes that a function returns a value, or that its body raises whatever
// happens: a return or raise stands for itself, or after a semicolon.
func (s *scanner) gives(toks []python.Token, uses []int, always bool) {
	for n, t := range toks {
		if len(uses) == 0 || n > 0 && toks[n-1].Code != python.OpSemicolon {
			continue
		}
		if t.Code == python.KwReturn && !nothingAfter(toks[n+1:]) || t.Code == python.KwRaise && always {
			for _, i := range uses {
				s.out.Uses[i].Gives = true
			}
		}
	}
}

// nothingAfter reports whether what follows a return is None or nothing.
func nothingAfter(toks []python.Token) bool {
	if len(toks) > 0 && toks[0].Code == python.KwNone {
		toks = toks[1:]
	}
	return len(toks) == 0 || toks[0].Code == python.OpSemicolon
}
