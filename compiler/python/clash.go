package python

// verdict says whether one token may follow another.
type verdict uint8

const (
	fits verdict = iota
	invalid
	wantsName // after a dot
	misplaced // a keyword where none can stand
)

// clash says why r cannot follow l.
func clash(l, r Lexeme) verdict {
	left, right, isInfix := l.Class, r.Class, r.infix
	starts := right == ClassOperand || right == ClassString || right == ClassEllipsis || right == ClassTilde
	open := left == ClassOpen
	stops := right == ClassClose || right == ClassComma || right == ClassSemicolon || right == ClassColon
	switch {
	case ends(l) && (starts || r.Code == OpBrace):
		if left == ClassString && right == ClassString {
			return fits
		}
		return invalid
	case (left == ClassStrict || left == ClassTilde) && (stops || isInfix || r.Code == OpSlash):
		return invalid
	case left == ClassStrict && right == ClassStar && !mayPrecedeStar(l.Code):
		return invalid
	case l.Code == OpSlash && (isInfix || right == ClassStar):
		return invalid
	case open && (right == ClassComma || isInfix):
		return invalid
	case l.Code == OpDot && (r.Kind != Name || r.Keyword != 0 && !isAsync(r)):
		return wantsName
	case r.Code == OpDot && !ends(l):
		return invalid
	case left == ClassKeyword && isInfix && !isAsync(l):
		return invalid
	case r.Keyword&IsInfixWord != 0 && !ends(l):
		if isAsync(l) || l.Code == KwNot && r.Code == KwIn || left == ClassComma && (r.Code == KwIn || r.Code == KwIf) || left == ClassStar {
			return fits
		}
		return misplaced
	case left == ClassComma && right == ClassComma:
		return invalid
	case left == ClassKeyword && l.Keyword&NeedsOperand != 0 && stops && l.Code != KwLambda:
		return invalid
	case right == ClassKeyword && r.Keyword&OnlyStatement != 0:
		return misplaced
	}
	return fits
}

// mayPrecedeStar is true of the strict operators that something starred follows:
// "x = *a, b", "-> *Ts" and the like, and "@" to be lenient.
func mayPrecedeStar(c Code) bool {
	switch c {
	case OpEqual, OpNotEqual, OpLessEqual, OpGreaterEqual, OpWalrus, OpArrow, OpAt:
		return true
	}
	return c >= OpAssign
}

// ends reports whether an operand can end at x.
func ends(x Lexeme) bool {
	switch x.Class {
	case ClassOperand, ClassString, ClassClose, ClassEllipsis:
		return true
	}
	return false
}

// isAsync: async and await were names before Python 3.7.
func isAsync(x Lexeme) bool { return x.Code == KwAsync || x.Code == KwAwait }

// CanStart reports whether a statement, or what is checked like one, may start
// with x.
func CanStart(x Lexeme) bool {
	switch x.Class {
	case ClassComma, ClassColon, ClassClose, ClassSemicolon:
		return false
	case ClassStrict:
		return x.Code == OpPlus || x.Code == OpMinus
	case ClassKeyword:
		return x.Keyword&IsInfixWord == 0 || x.Keyword&IsCompound != 0
	}
	return true
}

// clashing has a bit for each two tokens that clash, or might when more is known of
// them: a statement without any is in order.
var clashing = pairUp()

var canEnd = func() (out [AnyCode]bool) {
	for c := CodeName; c < Codes; c++ {
		out[c] = ends(Lexemes[c])
	}
	return out
}()

func pairUp() [AnyCode][2]uint64 {
	var out [AnyCode][2]uint64
	for l := CodeName; l < Codes; l++ {
		for r := CodeName; r < Codes; r++ {
			nameless := l == OpPower && (r == OpParenEnd || r == OpComma) // as in "def f(**)"
			if clash(Lexemes[l], Lexemes[r]) != fits || l == OpComma && Lexemes[r].infix || nameless {
				out[l][r>>6] |= 1 << (r & 63)
			}
		}
	}
	return out
}
