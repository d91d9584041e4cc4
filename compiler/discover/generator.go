package discover

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
func (s *scanner) yields(toks []token, uses []int) {
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
