package python

// level is one open bracket, and the lambdas in it that wait for their colon.
type level struct {
	open    Code
	lambdas int
}

// nesting follows the brackets of a statement. In round ones a colon belongs to a
// lambda, or to the parameters of a def.
type nesting struct {
	stack []level
	inDef bool
}

// inDef reports whether a line that starts with toks is that of a def.
func inDef(toks []Token) bool {
	return len(toks) > 0 && (toks[0].Code == KwDef || toks[0].Code == KwAsync)
}

func (n *nesting) bracketed() bool { return len(n.stack) > 1 }

// take is false when t is a colon that belongs to nothing.
func (n *nesting) take(t Token) bool {
	top := &n.stack[len(n.stack)-1]
	switch t.Class {
	case ClassOpen:
		n.stack = append(n.stack, level{open: t.Code})
	case ClassClose:
		if len(n.stack) > 1 {
			n.stack = n.stack[:len(n.stack)-1]
		}
	case ClassKeyword:
		if t.Code == KwLambda {
			top.lambdas++
		}
	case ClassColon:
		if top.lambdas > 0 {
			top.lambdas--
			return true
		}
		return len(n.stack) == 1 || top.open != OpParen || n.inDef && len(n.stack) == 2
	}
	return true
}
