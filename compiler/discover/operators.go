package discover

// operator is what a character can begin: itself, itself and "=", itself twice,
// and that with "=". Zero where there is no such operator.
type operator struct {
	one, assign, twice, twiceAssign code
}

var operators = [128]operator{
	'(': {one: opParen}, ')': {one: opParenEnd},
	'[': {one: opBracket}, ']': {one: opBracketEnd},
	'{': {one: opBrace}, '}': {one: opBraceEnd},
	',': {one: opComma},
	';': {one: opSemicolon},
	'~': {one: opTilde},
	':': {one: opColon, assign: opWalrus},
	'*': {opStar, opStarAssign, opPower, opPowerAssign},
	'/': {opSlash, opSlashAssign, opFloor, opFloorAssign},
	'<': {opLess, opLessEqual, opLeft, opLeftAssign},
	'>': {opGreater, opGreaterEqual, opRight, opRightAssign},
	'-': {one: opMinus, assign: opMinusAssign}, // and ->
	'+': {one: opPlus, assign: opPlusAssign},
	'%': {one: opPercent, assign: opPercentAssign},
	'&': {one: opAnd, assign: opAndAssign},
	'|': {one: opOr, assign: opOrAssign},
	'^': {one: opXor, assign: opXorAssign},
	'@': {one: opAt, assign: opAtAssign},
	'=': {one: opAssign, assign: opEqual},
	'!': {assign: opNotEqual},
}

// operatorAt is the longest operator that starts at pos, and its length; none
// starts with a lone "!".
func operatorAt(src []byte, pos int) (code, int) {
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
		return opArrow, 2
	}
	if op.one == codeNone {
		return codeNone, 0
	}
	return op.one, 1
}

// noticed are the operators of which the lexer remembers more than that they are
// there.
var noticed = func() (out [anyCode]bool) {
	for c := opAssign; c < codes; c++ {
		out[c] = true
	}
	out[opSemicolon], out[opStar], out[opSlash] = true, true, true
	return out
}()

func (lx *lexer) notice(this, previous code, pos int) {
	within := &lx.open[lx.depth]
	switch {
	case this >= opAssign:
		lx.shape.assigns = lx.shape.assigns || lx.depth == 0
	case this == opSemicolon:
		lx.shape.semicolon = lx.shape.semicolon || lx.depth == 0
	case this == opSlash && (previous == opComma || previous == opParen):
		lx.since(8, pos, 1, "positional-only parameters")
	case this == opStar && within.char == '[' && within.index && !within.soft && (previous == opComma || previous == opBracket):
		lx.since(11, pos, 1, "a star in an index")
	case this == opStar && previous == opColon:
		lx.since(11, pos, 1, "a star in an annotation")
	}
}

// closers are the brackets that close, by those that open.
var closers = [256]byte{'(': ')', '[': ']', '{': '}'}

// word notes a keyword; it is false when it cannot stand here.
func (lx *lexer) word(this code) bool {
	if this == kwLambda {
		lx.open[lx.depth].lambdas++
	}
	return lx.depth == 0 || lexemes[this].keyword&onlyStatement == 0
}
