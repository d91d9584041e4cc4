package discover

// level is one open bracket, and the lambdas in it that wait for their colon.
type level struct {
	open    token
	lambdas int
}

// nesting follows the brackets of a statement. In round ones a colon belongs to a
// lambda, or to the parameters of a def.
type nesting struct {
	stack []level
	inDef bool
}

func (n *nesting) bracketed() bool { return len(n.stack) > 1 }

func (n *nesting) take(s *scanner, t token) bool {
	top := &n.stack[len(n.stack)-1]
	switch t.class {
	case clOpen:
		n.stack = append(n.stack, level{open: t})
	case clClose:
		if len(n.stack) > 1 {
			n.stack = n.stack[:len(n.stack)-1]
		}
	case clKeyword:
		if s.is(t, "lambda") {
			top.lambdas++
		}
	case clColon:
		if top.lambdas > 0 {
			top.lambdas--
			return true
		}
		return len(n.stack) == 1 || !s.is(top.open, "(") || n.inDef && len(n.stack) == 2
	}
	return true
}
