package discover

import (
	"encoding/binary"
	"math/bits"
)

// keyword says how a reserved word may be used. Zero is an ordinary name; the
// soft keywords (match, case, type, lazy) are ordinary names too.
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

var keywords = [codes]keyword{
	kwFalse: isKeyword | isConstant,
	kwNone:  isKeyword | isConstant,
	kwTrue:  isKeyword | isConstant,

	kwAnd:    isKeyword | isInfixWord | needsOperand,
	kwAs:     isKeyword | isInfixWord | needsOperand,
	kwFrom:   isKeyword | needsOperand,
	kwIn:     isKeyword | isInfixWord | needsOperand,
	kwIs:     isKeyword | isInfixWord | needsOperand,
	kwLambda: isKeyword | needsOperand,
	kwNot:    isKeyword | needsOperand,
	kwOr:     isKeyword | isInfixWord | needsOperand,
	kwAwait:  isKeyword,
	kwAsync:  isKeyword,
	kwYield:  isKeyword,

	kwIf:   isKeyword | isInfixWord | isCompound | isControl | needsOperand,
	kwElse: isKeyword | isInfixWord | isCompound | isContinuation | needsOperand,
	kwFor:  isKeyword | isInfixWord | isCompound | needsOperand,

	kwAssert:   isKeyword | onlyStatement | needsOperand,
	kwBreak:    isKeyword | onlyStatement,
	kwClass:    isKeyword | onlyStatement | isCompound | needsOperand,
	kwContinue: isKeyword | onlyStatement,
	kwDef:      isKeyword | onlyStatement | isCompound | needsOperand,
	kwDel:      isKeyword | onlyStatement | needsOperand,
	kwElif:     isKeyword | onlyStatement | isCompound | isControl | isContinuation | needsOperand,
	kwExcept:   isKeyword | onlyStatement | isCompound | isContinuation,
	kwFinally:  isKeyword | onlyStatement | isCompound | isContinuation,
	kwGlobal:   isKeyword | onlyStatement | needsOperand,
	kwImport:   isKeyword | onlyStatement | needsOperand,
	kwNonlocal: isKeyword | onlyStatement | needsOperand,
	kwPass:     isKeyword | onlyStatement,
	kwRaise:    isKeyword | onlyStatement,
	kwReturn:   isKeyword | onlyStatement,
	kwTry:      isKeyword | onlyStatement | isCompound,
	kwWhile:    isKeyword | onlyStatement | isCompound | isControl | needsOperand,
	kwWith:     isKeyword | onlyStatement | isCompound | needsOperand,
}

// words are spelled out for messages; the rest of the table is empty.
var words = [codes]string{
	kwFalse: "False", kwNone: "None", kwTrue: "True", kwAnd: "and", kwAs: "as", kwAssert: "assert", kwAsync: "async",
	kwAwait: "await", kwBreak: "break", kwClass: "class", kwContinue: "continue", kwDef: "def", kwDel: "del",
	kwElif: "elif", kwElse: "else", kwExcept: "except", kwFinally: "finally", kwFor: "for", kwFrom: "from",
	kwGlobal: "global", kwIf: "if", kwImport: "import", kwIn: "in", kwIs: "is", kwLambda: "lambda",
	kwNonlocal: "nonlocal", kwNot: "not", kwOr: "or", kwPass: "pass", kwRaise: "raise", kwReturn: "return",
	kwTry: "try", kwWhile: "while", kwWith: "with", kwYield: "yield",
	softCase: "case", softLazy: "lazy", softMatch: "match", softType: "type",
}

// Words of up to eight bytes are compared as one number. hashWords is a factor
// that spreads those above over the table without a collision.
const (
	longestWord = 8
	hashWords   = 0x1b77476a8995579f
	hashShift   = 64 - 7
)

type wordSlot struct {
	packed uint64
	code   code
}

var wordTable = packWords()

func packWords() [128]wordSlot {
	var out [128]wordSlot
	for i := range out {
		out[i].code = codeName
	}
	for c, text := range words {
		if text == "" {
			continue
		}
		packed := pack([]byte(text))
		slot := &out[packed*hashWords>>hashShift]
		if slot.packed != 0 {
			panic("two keywords in one slot: choose another factor")
		}
		*slot = wordSlot{packed, code(c)}
	}
	return out
}

// pack makes a number of up to eight bytes.
func pack(text []byte) uint64 {
	var room [longestWord]byte
	copy(room[:], text)
	return binary.LittleEndian.Uint64(room[:])
}

// nameAt returns the code of the name at pos, whose first byte is a letter, and
// where it ends. Names of up to seven letters are measured and looked up as one
// number.
func nameAt(src []byte, pos int) (code, int) {
	start := pos
	if pos+longestWord <= len(src) {
		packed := binary.LittleEndian.Uint64(src[pos:])
		if stop := bits.TrailingZeros64(outsideName(packed)); stop < 64 {
			packed &= 1<<(stop&^7) - 1
			return lookUp(packed), pos + stop>>3
		}
		pos += longestWord
	}
	for pos < len(src) && inName[src[pos]] {
		pos++
	}
	if pos-start > longestWord {
		return codeName, pos
	}
	return lookUp(pack(src[start:pos])), pos
}

func lookUp(packed uint64) code {
	if slot := &wordTable[packed*hashWords>>hashShift]; slot.packed == packed {
		return slot.code
	}
	return codeName
}

// outsideName has the highest bit of each byte of x set that is no letter, digit
// or underscore of ASCII.
func outsideName(x uint64) uint64 {
	const (
		ones = 0x0101010101010101
		high = 0x80 * ones
	)
	low := x &^ high
	lower := low | 0x20*ones
	letter := (lower + (0x80-'a')*ones) &^ (lower + (0x80-'z'-1)*ones)
	digit := (low + (0x80-'0')*ones) &^ (low + (0x80-'9'-1)*ones)
	underscore := ^((low ^ '_'*ones) + 0x7f*ones)
	return ((letter | digit | underscore) &^ x & high) ^ high
}
