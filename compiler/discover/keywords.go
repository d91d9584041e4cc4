package discover

// keyword says how a reserved word may be used. Zero is an ordinary name; the
// soft keywords (match, case, type) are ordinary names too.
type keyword uint16

const (
	isKeyword      keyword = 1 << iota
	isConstant             // True, False, None: an operand
	onlyStatement          // opens a simple or compound statement, never inside one
	isCompound             // takes a colon and a block
	needsOperand           // something must follow
	isControl              // if, while, elif: a condition follows
	isContinuation         // else, except ...: belongs to the block before
	isInfixWord            // stands after an operand, unless it opens a statement
)

var keywords = map[string]keyword{
	"False": isKeyword | isConstant,
	"None":  isKeyword | isConstant,
	"True":  isKeyword | isConstant,

	"and":    isKeyword | isInfixWord | needsOperand,
	"as":     isKeyword | isInfixWord | needsOperand,
	"from":   isKeyword | needsOperand,
	"in":     isKeyword | isInfixWord | needsOperand,
	"is":     isKeyword | isInfixWord | needsOperand,
	"lambda": isKeyword | needsOperand,
	"not":    isKeyword | needsOperand,
	"or":     isKeyword | isInfixWord | needsOperand,
	"await":  isKeyword,
	"async":  isKeyword,
	"yield":  isKeyword,

	"if":   isKeyword | isInfixWord | isCompound | isControl | needsOperand,
	"else": isKeyword | isInfixWord | isCompound | isContinuation | needsOperand,
	"for":  isKeyword | isInfixWord | isCompound | needsOperand,

	"assert":   isKeyword | onlyStatement | needsOperand,
	"break":    isKeyword | onlyStatement,
	"class":    isKeyword | onlyStatement | isCompound | needsOperand,
	"continue": isKeyword | onlyStatement,
	"def":      isKeyword | onlyStatement | isCompound | needsOperand,
	"del":      isKeyword | onlyStatement | needsOperand,
	"elif":     isKeyword | onlyStatement | isCompound | isControl | isContinuation | needsOperand,
	"except":   isKeyword | onlyStatement | isCompound | isContinuation,
	"finally":  isKeyword | onlyStatement | isCompound | isContinuation,
	"global":   isKeyword | onlyStatement | needsOperand,
	"import":   isKeyword | onlyStatement | needsOperand,
	"nonlocal": isKeyword | onlyStatement | needsOperand,
	"pass":     isKeyword | onlyStatement,
	"raise":    isKeyword | onlyStatement,
	"return":   isKeyword | onlyStatement,
	"try":      isKeyword | onlyStatement | isCompound,
	"while":    isKeyword | onlyStatement | isCompound | isControl | needsOperand,
	"with":     isKeyword | onlyStatement | isCompound | needsOperand,
}

// softKeywords are names that open a statement when a name follows them.
var softKeywords = map[string]bool{"case": true, "lazy": true, "match": true, "type": true}
