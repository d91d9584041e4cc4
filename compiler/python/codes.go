package python

// Code says which token it is: a kind of operand, a keyword or an operator. The
// soft keywords, which mean something only in some places, have codes of their
// own and count as names everywhere else.
type Code uint8

const (
	CodeNone Code = iota // what stands before the first token of a line
	CodeName
	CodeNumber
	CodeString

	KwFalse
	KwNone
	KwTrue
	KwAnd
	KwAs
	KwAssert
	KwAsync
	KwAwait
	KwBreak
	KwClass
	KwContinue
	KwDef
	KwDel
	KwElif
	KwElse
	KwExcept
	KwFinally
	KwFor
	KwFrom
	KwGlobal
	KwIf
	KwImport
	KwIn
	KwIs
	KwLambda
	KwNonlocal
	KwNot
	KwOr
	KwPass
	KwRaise
	KwReturn
	KwTry
	KwWhile
	KwWith
	KwYield

	SoftCase
	SoftLazy
	SoftMatch
	SoftType

	OpParen // ( [ { and what closes them, in the same order
	OpBracket
	OpBrace
	OpParenEnd
	OpBracketEnd
	OpBraceEnd
	OpComma
	OpColon
	OpSemicolon
	OpDot
	OpEllipsis
	OpAt
	OpTilde
	OpStar
	OpPower
	OpSlash
	OpFloor
	OpPlus
	OpMinus
	OpPercent
	OpAnd
	OpOr
	OpXor
	OpLeft
	OpRight
	OpLess
	OpGreater
	OpArrow
	OpEqual
	OpNotEqual
	OpLessEqual
	OpGreaterEqual
	OpWalrus
	OpAssign // this and all that follow give a name a value
	OpAtAssign
	OpStarAssign
	OpPowerAssign
	OpSlashAssign
	OpFloorAssign
	OpPlusAssign
	OpMinusAssign
	OpPercentAssign
	OpAndAssign
	OpOrAssign
	OpXorAssign
	OpLeftAssign
	OpRightAssign

	Codes // how many there are
	// AnyCode is the length of tables that are used much: no index is beyond them.
	AnyCode = 256
)

// Lexeme is what is known of a token by its code alone.
type Lexeme struct {
	Kind    Kind
	Class   Class
	Code    Code
	infix   bool // an operator that needs an operand on its left
	Keyword Keyword
	_       uint16 // eight bytes are copied at once
}

// Lexemes has what is known of each code.
var Lexemes = describe()

func describe() [AnyCode]Lexeme {
	var out [AnyCode]Lexeme
	for c := CodeName; c < Codes; c++ {
		x := Lexeme{Kind: Operator, Code: c, Keyword: keywords[c]}
		switch {
		case c == CodeNumber:
			x.Kind = Number
		case c == CodeString:
			x.Kind = String
		case c < OpParen:
			x.Kind = Name
		}
		x.Class, x.infix = classify(x)
		out[c] = x
	}
	return out
}

// IsSoft is true of names that open a statement when a name follows them.
func IsSoft(c Code) bool { return c >= SoftCase && c <= SoftType }

// Class sorts tokens by what may stand beside them.
type Class uint8

const (
	ClassOperand Class = iota // a name, constant or number
	ClassString
	ClassOpen
	ClassClose
	ClassEllipsis
	ClassComma
	ClassColon
	ClassSemicolon
	ClassStrict // an operator that needs an operand on its right
	ClassTilde
	ClassStar // * ** /: operators with many other uses
	ClassKeyword
)

func classify(x Lexeme) (c Class, infix bool) {
	switch {
	case x.Kind == String:
		return ClassString, false
	case x.Keyword&IsKeyword != 0 && x.Keyword&IsConstant == 0:
		return ClassKeyword, false
	case x.Kind != Operator:
		return ClassOperand, false
	}
	switch x.Code {
	case OpParen, OpBracket, OpBrace:
		return ClassOpen, false
	case OpParenEnd, OpBracketEnd, OpBraceEnd:
		return ClassClose, false
	case OpComma:
		return ClassComma, false
	case OpColon:
		return ClassColon, false
	case OpSemicolon:
		return ClassSemicolon, false
	case OpEllipsis:
		return ClassEllipsis, false
	case OpTilde:
		return ClassTilde, false
	case OpStar, OpPower, OpSlash:
		return ClassStar, false
	case OpPlus, OpMinus, OpAt, OpDot:
		return ClassStrict, false
	}
	return ClassStrict, true
}
