package discover

// level is one open bracket, and the lambdas in it that wait for their colon.
type level struct {
	open    code
	lambdas int
}

// nesting follows the brackets of a statement. In round ones a colon belongs to a
// lambda, or to the parameters of a def.
type nesting struct {
	stack []level
	inDef bool
}

// inDef reports whether a line that starts with toks is that of a def.
func inDef(toks []token) bool {
	return len(toks) > 0 && (toks[0].code == kwDef || toks[0].code == kwAsync)
}

func (n *nesting) bracketed() bool { return len(n.stack) > 1 }

// take is false when t is a colon that belongs to nothing.
func (n *nesting) take(t token) bool {
	top := &n.stack[len(n.stack)-1]
	switch t.class {
	case clOpen:
		n.stack = append(n.stack, level{open: t.code})
	case clClose:
		if len(n.stack) > 1 {
			n.stack = n.stack[:len(n.stack)-1]
		}
	case clKeyword:
		if t.code == kwLambda {
			top.lambdas++
		}
	case clColon:
		if top.lambdas > 0 {
			top.lambdas--
			return true
		}
		return len(n.stack) == 1 || top.open != opParen || n.inDef && len(n.stack) == 2
	}
	return true
}
