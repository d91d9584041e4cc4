package discover

import "fmt"

// The checks of this file find the everyday faults of a statement by looking at
// neighbouring tokens. They are not a grammar: what they refuse is never valid
// Python of any version, and what they let pass is judged when the dependencies
// are built, by the interpreter that will run it.

func (s *scanner) text(t token) []byte { return s.lx.src[t.start:t.end] }

func (s *scanner) is(t token, text string) bool {
	return int(t.end-t.start) == len(text) && string(s.text(t)) == text
}

func (s *scanner) last(t token) byte { return s.lx.src[t.end-1] }

// class sorts a token by what may stand beside it.
type class uint8

const (
	clOperand class = iota // a name, constant, number or string
	clString
	clOpen
	clClose
	clEllipsis
	clComma
	clColon
	clSemicolon
	clStrict // an operator that needs an operand on its right
	clTilde
	clStar // * ** /: operators with many other uses
	clKeyword
)

// classify is called once for each token; infix is true of operators that need
// an operand on their left.
func classify(kind tokenKind, kw keyword, text []byte) (c class, infix bool) {
	switch kind {
	case tokNumber:
		return clOperand, false
	case tokString:
		return clString, false
	case tokName:
		if kw&isKeyword != 0 && kw&isConstant == 0 {
			return clKeyword, false
		}
		return clOperand, false
	}
	if len(text) > 1 {
		switch string(text) {
		case "...":
			return clEllipsis, false
		case "**":
			return clStar, false
		}
		return clStrict, true
	}
	switch text[0] {
	case '(', '[', '{':
		return clOpen, false
	case ')', ']', '}':
		return clClose, false
	case ',':
		return clComma, false
	case ':':
		return clColon, false
	case ';':
		return clSemicolon, false
	case '~':
		return clTilde, false
	case '*', '/':
		return clStar, false
	case '+', '-', '@', '.':
		return clStrict, false
	}
	return clStrict, true // % & | ^ < > =
}

// neighbours checks each pair of tokens of one statement. Brackets that are open
// at the end are none of its business.
func (s *scanner) neighbours(toks []token) bool {
	if len(toks) < 2 {
		return true
	}
	if !s.canStart(toks[0]) {
		return s.tokenFault("FN1204", toks[0], "invalid syntax")
	}
	n := nesting{inDef: toks[0].keyword != 0 && (s.is(toks[0], "def") || s.is(toks[0], "async"))}
	n.stack = append(s.stack[:0], level{})
	defer func() { s.stack = n.stack }()
	n.take(s, toks[0])
	for i := 1; i < len(toks); i++ {
		if why := s.clash(toks[i-1], toks[i]); why != "" {
			return s.refuse(toks, i, why)
		}
		if !n.take(s, toks[i]) || n.bracketed() && toks[i-1].class == clComma && toks[i].infix {
			return s.refuse(toks, i, "invalid syntax")
		}
		if i > 1 && s.is(toks[i], "]") && s.is(toks[i-1], "[") && ends(toks[i-2]) {
			return s.refuse(toks, i, "invalid syntax: the index is missing")
		}
	}
	return true
}

// clash says why right cannot follow left, or is empty.
func (s *scanner) clash(l, r token) string {
	left, right, isInfix := l.class, r.class, r.infix
	starts := right == clOperand || right == clString || right == clEllipsis || right == clTilde
	open := left == clOpen
	stops := right == clClose || right == clComma || right == clSemicolon || right == clColon
	switch {
	case ends(l) && (starts || right == clOpen && s.is(r, "{")):
		if left == clString && right == clString {
			return ""
		}
		return "invalid syntax"
	case (left == clStrict || left == clTilde) && (stops || isInfix || s.is(r, "/")):
		return "invalid syntax"
	case left == clStrict && right == clStar && s.last(l) != '=' && s.last(l) != '@' && !s.is(l, "->"):
		return "invalid syntax"
	case s.is(l, "/") && (isInfix || right == clStar):
		return "invalid syntax"
	case open && (right == clComma || isInfix):
		return "invalid syntax"
	case s.is(l, ".") && (r.kind != tokName || r.keyword != 0 && !s.isAsync(r)):
		return "invalid syntax: expected a name after '.'"
	case s.is(r, ".") && !ends(l):
		return "invalid syntax"
	case left == clKeyword && isInfix && !s.isAsync(l):
		return "invalid syntax"
	case r.keyword&isInfixWord != 0 && !ends(l):
		if s.isAsync(l) || s.is(l, "not") && s.is(r, "in") || left == clComma && (s.is(r, "in") || s.is(r, "if")) || left == clStar {
			return ""
		}
		return fmt.Sprintf("invalid syntax: %q cannot stand here", s.text(r))
	case left == clComma && right == clComma:
		return "invalid syntax"
	case left == clKeyword && l.keyword&needsOperand != 0 && stops && !s.is(l, "lambda"):
		return "invalid syntax"
	case right == clKeyword && r.keyword&onlyStatement != 0:
		return fmt.Sprintf("invalid syntax: %q cannot stand here", s.text(r))
	}
	return ""
}

// ends reports whether an operand can end at t.
func ends(t token) bool {
	switch t.class {
	case clOperand, clString, clClose, clEllipsis:
		return true
	}
	return false
}

// isAsync: async and await were names before Python 3.7.
func (s *scanner) isAsync(t token) bool { return s.is(t, "async") || s.is(t, "await") }

// canStart reports whether a statement, or what is checked like one, may start
// with t.
func (s *scanner) canStart(t token) bool {
	switch t.class {
	case clComma, clColon, clClose, clSemicolon:
		return false
	case clStrict:
		return s.is(t, "+") || s.is(t, "-")
	case clKeyword:
		return t.keyword&isInfixWord == 0 || t.keyword&isCompound != 0
	}
	return true
}

// refuse reports the token at i. A clash across lines inside brackets is a
// bracket that was not closed, and that is the place to look at.
func (s *scanner) refuse(toks []token, i int, why string) bool {
	if toks[i].line != toks[i-1].line {
		if b, ok := s.openAt(toks[:i]); ok {
			return s.syntax("FN1201", int(b.start), 1, fmt.Sprintf("'%c' was never closed", s.lx.src[b.start]))
		}
	}
	t := toks[i]
	return s.syntax("FN1204", int(t.start), int(t.end-t.start), why)
}

// openAt returns the innermost bracket that toks leave open.
func (s *scanner) openAt(toks []token) (token, bool) {
	depth := 0
	for i := len(toks) - 1; i >= 0; i-- {
		switch toks[i].class {
		case clClose:
			depth++
		case clOpen:
			if depth == 0 {
				return toks[i], true
			}
			depth--
		}
	}
	return token{}, false
}

// complete checks that a statement does not stop in the middle.
func (s *scanner) complete(toks []token) bool {
	last := toks[len(toks)-1]
	c := last.class
	bad := c == clStrict || c == clTilde || c == clColon || c == clStar ||
		c == clKeyword && last.keyword&needsOperand != 0
	if s.is(toks[0], "from") || s.is(toks[0], "import") {
		bad = bad && c != clStar || c == clComma
	}
	if bad {
		return s.syntax("FN1204", int(last.start), int(last.end-last.start),
			fmt.Sprintf("invalid syntax: the statement stops after %q", s.text(last)))
	}
	return true
}
