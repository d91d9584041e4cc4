package discover

import (
	"fmt"

	"fngen.dev/fngen/compiler/python"
)

// isSoftBlock tells "match x:" and "case x:" from uses of match and case as
// names.
func (s *scanner) isSoftBlock(toks []python.Token) bool {
	if len(toks) < 3 || toks[0].Code != python.SoftMatch && toks[0].Code != python.SoftCase || s.colon(toks[1:]) < 0 {
		return false
	}
	switch toks[1].Class {
	case python.ClassOperand, python.ClassString, python.ClassOpen, python.ClassTilde, python.ClassEllipsis:
		return true
	}
	switch toks[1].Code {
	case python.OpStar, python.OpMinus, python.OpPlus, python.KwNot, python.KwLambda, python.KwAwait:
		return true
	}
	return false
}

// colon finds the colon that ends a header: outside brackets, and not that of a
// lambda.
func (s *scanner) colon(toks []python.Token) int {
	depth, lambdas := 0, 0
	for i, t := range toks {
		switch t.Class {
		case python.ClassOpen:
			depth++
		case python.ClassClose:
			depth--
		case python.ClassKeyword:
			if depth == 0 && t.Code == python.KwLambda {
				lambdas++
			}
		case python.ClassColon:
			if depth == 0 && lambdas == 0 {
				return i
			} else if depth == 0 {
				lambdas--
			}
		}
	}
	return -1
}

// compound takes the line of a compound statement whose keyword stands at i.
func (s *scanner) compound(toks []python.Token, i int) bool {
	kw := toks[i].Code
	end := int(s.lx.Shape.Colon)
	if end < 0 {
		if !s.neighbours(s.condition(toks, i)) {
			return false
		}
		last := toks[len(toks)-1]
		return s.syntax("FN1204", int(last.End), 1, fmt.Sprintf("expected ':' after '%s'", python.Words[kw]))
	}
	head, suite := toks[i:end], toks[end+1:]
	if !s.neighbours(s.condition(toks[:end+1], i)) || !s.headerShape(head, toks[end], kw) {
		return false
	}
	s.enter(toks[:end], i, kw)
	if kw != python.KwDef && kw != python.KwClass {
		s.yields(head, s.body())
	}
	if len(suite) == 0 {
		return true
	}
	if uses := s.opened.docs; kw == python.KwDef {
		s.yields(suite, uses)
		s.gives(suite, uses, true)
	} else {
		s.yields(suite, s.body())
		s.gives(suite, s.body(), false)
	}
	s.opened = nil
	if suite[0].Keyword&python.IsCompound != 0 {
		return s.tokenFault("FN1204", suite[0], fmt.Sprintf("invalid syntax: '%s' needs a line of its own here", s.text(suite[0])))
	}
	return s.simple(suite)
}

// condition is the part of a header whose neighbours are checked: match and case
// would look like names before a name, and "else:" like an if without an end.
func (s *scanner) condition(toks []python.Token, i int) []python.Token {
	if toks[i].Keyword == 0 || toks[i].Code == python.KwElse {
		return toks[i+1:]
	}
	return toks[i:]
}

// headerShape checks what each keyword wants between itself and the colon.
func (s *scanner) headerShape(head []python.Token, colon python.Token, kw python.Code) bool {
	switch kw {
	case python.KwElse, python.KwTry, python.KwFinally:
		if len(head) > 1 {
			return s.tokenFault("FN1204", head[1], fmt.Sprintf("expected ':' after '%s'", python.Words[kw]))
		}
		return true
	case python.KwExcept:
		return true
	}
	if len(head) < 2 {
		return s.tokenFault("FN1204", colon, "invalid syntax")
	}
	switch kw {
	case python.KwDef, python.KwClass:
		return s.defShape(head, colon, kw)
	case python.KwIf, python.KwElif, python.KwWhile:
		return !s.lx.Shape.Assigns || s.noAssignment(head)
	case python.KwFor:
		for _, t := range head {
			if t.Code == python.KwIn {
				return true
			}
		}
		return s.tokenFault("FN1204", colon, "invalid syntax: a for statement needs 'in'")
	}
	return true
}

func (s *scanner) defShape(head []python.Token, colon python.Token, kw python.Code) bool {
	if head[1].Kind != python.Name || head[1].Keyword != 0 {
		return s.tokenFault("FN1204", head[1], fmt.Sprintf("invalid syntax: expected a name after '%s'", python.Words[kw]))
	}
	next := colon
	if len(head) > 2 {
		next = head[2]
	}
	if next.Code == python.OpParen || next.Code == python.OpBracket || kw == python.KwClass && next.Code == python.OpColon {
		return true
	}
	return s.tokenFault("FN1204", next, "expected '('")
}

// noAssignment refuses "if x = 5:".
func (s *scanner) noAssignment(head []python.Token) bool {
	depth, lambdas := 0, 0
	for _, t := range head {
		switch c := t.Class; {
		case c == python.ClassOpen:
			depth++
		case c == python.ClassClose:
			depth--
		case depth > 0:
		case t.Code == python.KwLambda:
			lambdas++
		case c == python.ClassColon:
			lambdas--
		case lambdas == 0 && t.Code == python.OpAssign:
			return s.tokenFault("FN1204", t, "invalid syntax: maybe you meant '==' or ':=' instead of '='?")
		}
	}
	return true
}

// enter notes what a header binds and opens its block.
func (s *scanner) enter(toks []python.Token, i int, kw python.Code) {
	s.open(opened{at: toks[0], kw: kw, scope: scopeOf(kw)})
	if s.quiet() && !s.thorough && !s.lx.Shape.Clashes {
		if kw == python.KwDef || kw == python.KwClass {
			s.decorators = nil
		}
		return
	}
	switch kw {
	case python.KwDef:
		s.define(toks, i)
	case python.KwClass:
		s.defineClass(toks[i:])
	default:
		s.opened.main = kw == python.KwIf && s.isMain(toks)
		s.bindHeader(toks[i:], python.Words[kw])
	}
}
