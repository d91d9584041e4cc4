package python

import "fmt"

// SoftBlock tells "match x:" and "case x:" from uses of match and case as names.
func (lx *Lexer) SoftBlock(toks []Token) bool {
	if len(toks) < 3 || toks[0].Code != SoftMatch && toks[0].Code != SoftCase || HeaderColon(toks[1:]) < 0 {
		return false
	}
	switch toks[1].Class {
	case ClassOperand, ClassString, ClassOpen, ClassTilde, ClassEllipsis:
		return true
	}
	switch toks[1].Code {
	case OpStar, OpMinus, OpPlus, KwNot, KwLambda, KwAwait:
		return true
	}
	return false
}

// HeaderColon finds the colon that ends a header: outside brackets, and not that of a
// lambda. It is -1 when there is none.
func HeaderColon(toks []Token) int {
	depth, lambdas := 0, 0
	for i, t := range toks {
		switch t.Class {
		case ClassOpen:
			depth++
		case ClassClose:
			depth--
		case ClassKeyword:
			if depth == 0 && t.Code == KwLambda {
				lambdas++
			}
		case ClassColon:
			if depth == 0 && lambdas == 0 {
				return i
			} else if depth == 0 {
				lambdas--
			}
		}
	}
	return -1
}

// Header checks what each keyword wants between itself and the colon; nil is no fault.
func (lx *Lexer) Header(head []Token, colon Token, kw Code) *Fault {
	switch kw {
	case KwElse, KwTry, KwFinally:
		if len(head) > 1 {
			return faultAt(head[1], fmt.Sprintf("expected ':' after '%s'", Words[kw]))
		}
		return nil
	case KwExcept:
		return nil
	}
	if len(head) < 2 {
		return faultAt(colon, "invalid syntax")
	}
	switch kw {
	case KwDef, KwClass:
		return defHeader(head, colon, kw)
	case KwIf, KwElif, KwWhile:
		if lx.Shape.Assigns {
			return noAssignment(head)
		}
	case KwFor:
		for _, t := range head {
			if t.Code == KwIn {
				return nil
			}
		}
		return faultAt(colon, "invalid syntax: a for statement needs 'in'")
	}
	return nil
}

func defHeader(head []Token, colon Token, kw Code) *Fault {
	if head[1].Kind != Name || head[1].Keyword != 0 {
		return faultAt(head[1], fmt.Sprintf("invalid syntax: expected a name after '%s'", Words[kw]))
	}
	next := colon
	if len(head) > 2 {
		next = head[2]
	}
	if next.Code == OpParen || next.Code == OpBracket || kw == KwClass && next.Code == OpColon {
		return nil
	}
	return faultAt(next, "expected '('")
}

// noAssignment refuses "if x = 5:".
func noAssignment(head []Token) *Fault {
	depth, lambdas := 0, 0
	for _, t := range head {
		switch c := t.Class; {
		case c == ClassOpen:
			depth++
		case c == ClassClose:
			depth--
		case depth > 0:
		case t.Code == KwLambda:
			lambdas++
		case c == ClassColon:
			lambdas--
		case lambdas == 0 && t.Code == OpAssign:
			return faultAt(t, "invalid syntax: maybe you meant '==' or ':=' instead of '='?")
		}
	}
	return nil
}

// Annotation refuses a colon outside brackets that annotates nothing, as in
// "x = a : b".
func Annotation(toks []Token) *Fault {
	i := HeaderColon(toks)
	if i < 0 {
		return nil
	}
	depth := 0
	for n, t := range toks[:i] {
		switch t.Class {
		case ClassOpen:
			depth++
		case ClassClose:
			depth--
		}
		if n == 0 && t.Class == ClassKeyword || depth == 0 && t.Code >= OpAssign {
			return faultAt(toks[i], "invalid syntax")
		}
	}
	return nil
}

func faultAt(t Token, msg string) *Fault {
	return &Fault{Code: "FN1204", Pos: int(t.Start), Width: int(t.End - t.Start), Msg: msg}
}
