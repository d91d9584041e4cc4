package python

// operator is what a character can begin: itself, itself and "=", itself twice,
// and that with "=". Zero where there is no such operator.
type operator struct {
	one, assign, twice, twiceAssign Code
}

var operators = [128]operator{
	'(': {one: OpParen}, ')': {one: OpParenEnd},
	'[': {one: OpBracket}, ']': {one: OpBracketEnd},
	'{': {one: OpBrace}, '}': {one: OpBraceEnd},
	',': {one: OpComma},
	';': {one: OpSemicolon},
	'~': {one: OpTilde},
	':': {one: OpColon, assign: OpWalrus},
	'*': {OpStar, OpStarAssign, OpPower, OpPowerAssign},
	'/': {OpSlash, OpSlashAssign, OpFloor, OpFloorAssign},
	'<': {OpLess, OpLessEqual, OpLeft, OpLeftAssign},
	'>': {OpGreater, OpGreaterEqual, OpRight, OpRightAssign},
	'-': {one: OpMinus, assign: OpMinusAssign}, // and ->
	'+': {one: OpPlus, assign: OpPlusAssign},
	'%': {one: OpPercent, assign: OpPercentAssign},
	'&': {one: OpAnd, assign: OpAndAssign},
	'|': {one: OpOr, assign: OpOrAssign},
	'^': {one: OpXor, assign: OpXorAssign},
	'@': {one: OpAt, assign: OpAtAssign},
	'=': {one: OpAssign, assign: OpEqual},
	'!': {assign: OpNotEqual},
}

// operatorAt is the longest operator that starts at pos, and its length; none
// starts with a lone "!".
func operatorAt(src []byte, pos int) (Code, int) {
	c := src[pos]
	op := &operators[c&127]
	var d, e byte
	if pos+1 < len(src) {
		d = src[pos+1]
	}
	switch {
	case d == '=' && op.assign != 0:
		return op.assign, 2
	case d == c && op.twice != 0:
		if pos+2 < len(src) {
			e = src[pos+2]
		}
		if e == '=' {
			return op.twiceAssign, 3
		}
		return op.twice, 2
	case c == '-' && d == '>':
		return OpArrow, 2
	}
	if op.one == CodeNone {
		return CodeNone, 0
	}
	return op.one, 1
}

// noticed are the operators of which the lexer remembers more than that they are
// there.
var noticed = func() (out [AnyCode]bool) {
	for c := OpAssign; c < Codes; c++ {
		out[c] = true
	}
	out[OpSemicolon], out[OpStar], out[OpSlash] = true, true, true
	return out
}()

func (lx *Lexer) notice(this, previous Code, pos int) {
	within := &lx.open[lx.depth]
	switch {
	case this >= OpAssign:
		lx.Shape.Assigns = lx.Shape.Assigns || lx.depth == 0
	case this == OpSemicolon:
		lx.Shape.Semicolon = lx.Shape.Semicolon || lx.depth == 0
	case this == OpSlash && (previous == OpComma || previous == OpParen):
		lx.since(8, pos, 1, "positional-only parameters")
	case this == OpStar && within.char == '[' && within.index && !within.soft && (previous == OpComma || previous == OpBracket):
		lx.since(11, pos, 1, "a star in an index")
	case this == OpStar && previous == OpColon:
		lx.since(11, pos, 1, "a star in an annotation")
	}
}

// closers are the brackets that close, by those that open.
var closers = [256]byte{'(': ')', '[': ']', '{': '}'}

// word notes a keyword; it is false when it cannot stand here.
func (lx *Lexer) word(this Code) bool {
	if this == KwLambda {
		lx.open[lx.depth].lambdas++
	}
	return lx.depth == 0 || Lexemes[this].Keyword&OnlyStatement == 0
}
