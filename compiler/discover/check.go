package discover

import "fmt"

// The checks of this file find the everyday faults of a statement by looking at
// neighbouring tokens. They are not a grammar: what they refuse is never valid
// Python of any version, and what they let pass is judged when the dependencies
// are built, by the interpreter that will run it.

// strict are the operators that need an operand on their right.
const strict = "+ - // % @ & | ^ ~ << >> < > == != <= >= = := . -> " +
	"+= -= *= /= //= %= @= &= |= ^= <<= >>= **= "

// infix are the operators that also need one on their left.
const infix = "// % & | ^ << >> < > == != <= >= = := -> " +
	"+= -= *= /= //= %= @= &= |= ^= <<= >>= **= "

func (s *scanner) text(t token) []byte { return s.lx.src[t.start:t.end] }

func (s *scanner) is(t token, text string) bool {
	return int(t.end-t.start) == len(text) && string(s.text(t)) == text
}

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
	clStrict
	clTilde
	clStar // * ** /: operators with many other uses
	clKeyword
	clOther
)

func (s *scanner) classOf(t token) (class, bool) {
	switch t.kind {
	case tokNumber:
		return clOperand, false
	case tokString:
		return clString, false
	case tokName:
		if t.keyword&isKeyword != 0 && t.keyword&isConstant == 0 {
			return clKeyword, false
		}
		return clOperand, false
	}
	text := s.text(t)
	if len(text) == 1 {
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
	switch string(text) {
	case "...":
		return clEllipsis, false
	case "**":
		return clStar, false
	}
	return clStrict, true
}

// neighbours checks each pair of tokens of one statement. Brackets that are open
// at the end are none of its business.
func (s *scanner) neighbours(toks []token) bool {
	if len(toks) == 0 {
		return true
	}
	left, _ := s.classOf(toks[0])
	for i := 1; i < len(toks); i++ {
		right, isInfix := s.classOf(toks[i])
		if why := s.clash(toks[i-1], left, toks[i], right, isInfix); why != "" {
			return s.refuse(toks, i, why)
		}
		left = right
	}
	return true
}

// clash says why right cannot follow left, or is empty.
func (s *scanner) clash(l token, left class, r token, right class, isInfix bool) string {
	ends := left == clOperand || left == clString || left == clClose || left == clEllipsis
	starts := right == clOperand || right == clString || right == clEllipsis || right == clTilde
	open := left == clOpen
	stops := right == clClose || right == clComma || right == clSemicolon || right == clColon
	switch {
	case ends && (starts || right == clOpen && s.is(r, "{")):
		if left == clString && right == clString {
			return ""
		}
		return "invalid syntax"
	case (left == clStrict || left == clTilde) && (stops || isInfix || s.is(r, "/")):
		return "invalid syntax"
	case open && (right == clComma || isInfix):
		return "invalid syntax"
	case left == clComma && right == clComma:
		return "invalid syntax"
	case left == clKeyword && l.keyword&needsOperand != 0 && stops && !s.is(l, "lambda"):
		return "invalid syntax"
	case right == clKeyword && r.keyword&onlyStatement != 0:
		return fmt.Sprintf("invalid syntax: %q cannot stand here", s.text(r))
	}
	return ""
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
		switch c, _ := s.classOf(toks[i]); c {
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
	c, _ := s.classOf(last)
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
