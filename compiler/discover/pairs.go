package discover

// verdict says whether one token may follow another.
type verdict uint8

const (
	fits verdict = iota
	invalid
	wantsName // after a dot
	misplaced // a keyword where none can stand
)

// clash says why r cannot follow l.
func clash(l, r lexeme) verdict {
	left, right, isInfix := l.class, r.class, r.infix
	starts := right == clOperand || right == clString || right == clEllipsis || right == clTilde
	open := left == clOpen
	stops := right == clClose || right == clComma || right == clSemicolon || right == clColon
	switch {
	case ends(l) && (starts || r.code == opBrace):
		if left == clString && right == clString {
			return fits
		}
		return invalid
	case (left == clStrict || left == clTilde) && (stops || isInfix || r.code == opSlash):
		return invalid
	case left == clStrict && right == clStar && !mayPrecedeStar(l.code):
		return invalid
	case l.code == opSlash && (isInfix || right == clStar):
		return invalid
	case open && (right == clComma || isInfix):
		return invalid
	case l.code == opDot && (r.kind != tokName || r.keyword != 0 && !isAsync(r)):
		return wantsName
	case r.code == opDot && !ends(l):
		return invalid
	case left == clKeyword && isInfix && !isAsync(l):
		return invalid
	case r.keyword&isInfixWord != 0 && !ends(l):
		if isAsync(l) || l.code == kwNot && r.code == kwIn || left == clComma && (r.code == kwIn || r.code == kwIf) || left == clStar {
			return fits
		}
		return misplaced
	case left == clComma && right == clComma:
		return invalid
	case left == clKeyword && l.keyword&needsOperand != 0 && stops && l.code != kwLambda:
		return invalid
	case right == clKeyword && r.keyword&onlyStatement != 0:
		return misplaced
	}
	return fits
}

// mayPrecedeStar is true of the strict operators that something starred follows:
// "x = *a, b", "-> *Ts" and the like, and "@" to be lenient.
func mayPrecedeStar(c code) bool {
	switch c {
	case opEqual, opNotEqual, opLessEqual, opGreaterEqual, opWalrus, opArrow, opAt:
		return true
	}
	return c >= opAssign
}

// ends reports whether an operand can end at x.
func ends(x lexeme) bool {
	switch x.class {
	case clOperand, clString, clClose, clEllipsis:
		return true
	}
	return false
}

// isAsync: async and await were names before Python 3.7.
func isAsync(x lexeme) bool { return x.code == kwAsync || x.code == kwAwait }

// canStart reports whether a statement, or what is checked like one, may start
// with x.
func canStart(x lexeme) bool {
	switch x.class {
	case clComma, clColon, clClose, clSemicolon:
		return false
	case clStrict:
		return x.code == opPlus || x.code == opMinus
	case clKeyword:
		return x.keyword&isInfixWord == 0 || x.keyword&isCompound != 0
	}
	return true
}

// clashing has a bit for each two tokens that clash, or might when more is known of
// them: a statement without any is in order.
var clashing = pairUp()

var canEnd = func() (out [anyCode]bool) {
	for c := codeName; c < codes; c++ {
		out[c] = ends(lexemes[c])
	}
	return out
}()

func pairUp() [anyCode][2]uint64 {
	var out [anyCode][2]uint64
	for l := codeName; l < codes; l++ {
		for r := codeName; r < codes; r++ {
			nameless := l == opPower && (r == opParenEnd || r == opComma) // as in "def f(**)"
			if clash(lexemes[l], lexemes[r]) != fits || l == opComma && lexemes[r].infix || nameless {
				out[l][r>>6] |= 1 << (r & 63)
			}
		}
	}
	return out
}
