package discover

// code says which token it is: a kind of operand, a keyword or an operator. The
// soft keywords, which mean something only in some places, have codes of their
// own and count as names everywhere else.
type code uint8

const (
	codeNone code = iota // what stands before the first token of a line
	codeName
	codeNumber
	codeString

	kwFalse
	kwNone
	kwTrue
	kwAnd
	kwAs
	kwAssert
	kwAsync
	kwAwait
	kwBreak
	kwClass
	kwContinue
	kwDef
	kwDel
	kwElif
	kwElse
	kwExcept
	kwFinally
	kwFor
	kwFrom
	kwGlobal
	kwIf
	kwImport
	kwIn
	kwIs
	kwLambda
	kwNonlocal
	kwNot
	kwOr
	kwPass
	kwRaise
	kwReturn
	kwTry
	kwWhile
	kwWith
	kwYield

	softCase
	softLazy
	softMatch
	softType

	opParen // ( [ { and what closes them, in the same order
	opBracket
	opBrace
	opParenEnd
	opBracketEnd
	opBraceEnd
	opComma
	opColon
	opSemicolon
	opDot
	opEllipsis
	opAt
	opTilde
	opStar
	opPower
	opSlash
	opFloor
	opPlus
	opMinus
	opPercent
	opAnd
	opOr
	opXor
	opLeft
	opRight
	opLess
	opGreater
	opArrow
	opEqual
	opNotEqual
	opLessEqual
	opGreaterEqual
	opWalrus
	opAssign // this and all that follow give a name a value
	opAtAssign
	opStarAssign
	opPowerAssign
	opSlashAssign
	opFloorAssign
	opPlusAssign
	opMinusAssign
	opPercentAssign
	opAndAssign
	opOrAssign
	opXorAssign
	opLeftAssign
	opRightAssign

	codes // how many there are
	// anyCode is the length of tables that are used much: no index is beyond them.
	anyCode = 256
)

// lexeme is what is known of a token by its code alone.
type lexeme struct {
	kind    tokenKind
	class   class
	code    code
	infix   bool // an operator that needs an operand on its left
	keyword keyword
	_       uint16 // eight bytes are copied at once
}

var lexemes = describe()

func describe() [anyCode]lexeme {
	var out [anyCode]lexeme
	for c := codeName; c < codes; c++ {
		x := lexeme{kind: tokOp, code: c, keyword: keywords[c]}
		switch {
		case c == codeNumber:
			x.kind = tokNumber
		case c == codeString:
			x.kind = tokString
		case c < opParen:
			x.kind = tokName
		}
		x.class, x.infix = classify(x)
		out[c] = x
	}
	return out
}

// isSoft is true of names that open a statement when a name follows them.
func isSoft(c code) bool { return c >= softCase && c <= softType }

// class sorts tokens by what may stand beside them.
type class uint8

const (
	clOperand class = iota // a name, constant or number
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

func classify(x lexeme) (c class, infix bool) {
	switch {
	case x.kind == tokString:
		return clString, false
	case x.keyword&isKeyword != 0 && x.keyword&isConstant == 0:
		return clKeyword, false
	case x.kind != tokOp:
		return clOperand, false
	}
	switch x.code {
	case opParen, opBracket, opBrace:
		return clOpen, false
	case opParenEnd, opBracketEnd, opBraceEnd:
		return clClose, false
	case opComma:
		return clComma, false
	case opColon:
		return clColon, false
	case opSemicolon:
		return clSemicolon, false
	case opEllipsis:
		return clEllipsis, false
	case opTilde:
		return clTilde, false
	case opStar, opPower, opSlash:
		return clStar, false
	case opPlus, opMinus, opAt, opDot:
		return clStrict, false
	}
	return clStrict, true
}
