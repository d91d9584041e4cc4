package python

import (
	"encoding/binary"
	"math/bits"
)

// Keyword says how a reserved word may be used. Zero is an ordinary name; the
// soft keywords (match, case, type, lazy) are ordinary names too.
type Keyword uint16

const (
	IsKeyword      Keyword = 1 << iota
	IsConstant             // True, False, None: an operand
	OnlyStatement          // opens a simple or compound statement, never inside one
	IsCompound             // takes a colon and a block
	NeedsOperand           // something must follow
	IsControl              // if, while, elif: a condition follows
	IsContinuation         // else, except ...: belongs to the block before
	IsInfixWord            // stands after an operand, unless it opens a statement
)

var keywords = [Codes]Keyword{
	KwFalse: IsKeyword | IsConstant,
	KwNone:  IsKeyword | IsConstant,
	KwTrue:  IsKeyword | IsConstant,

	KwAnd:    IsKeyword | IsInfixWord | NeedsOperand,
	KwAs:     IsKeyword | IsInfixWord | NeedsOperand,
	KwFrom:   IsKeyword | NeedsOperand,
	KwIn:     IsKeyword | IsInfixWord | NeedsOperand,
	KwIs:     IsKeyword | IsInfixWord | NeedsOperand,
	KwLambda: IsKeyword | NeedsOperand,
	KwNot:    IsKeyword | NeedsOperand,
	KwOr:     IsKeyword | IsInfixWord | NeedsOperand,
	KwAwait:  IsKeyword,
	KwAsync:  IsKeyword,
	KwYield:  IsKeyword,

	KwIf:   IsKeyword | IsInfixWord | IsCompound | IsControl | NeedsOperand,
	KwElse: IsKeyword | IsInfixWord | IsCompound | IsContinuation | NeedsOperand,
	KwFor:  IsKeyword | IsInfixWord | IsCompound | NeedsOperand,

	KwAssert:   IsKeyword | OnlyStatement | NeedsOperand,
	KwBreak:    IsKeyword | OnlyStatement,
	KwClass:    IsKeyword | OnlyStatement | IsCompound | NeedsOperand,
	KwContinue: IsKeyword | OnlyStatement,
	KwDef:      IsKeyword | OnlyStatement | IsCompound | NeedsOperand,
	KwDel:      IsKeyword | OnlyStatement | NeedsOperand,
	KwElif:     IsKeyword | OnlyStatement | IsCompound | IsControl | IsContinuation | NeedsOperand,
	KwExcept:   IsKeyword | OnlyStatement | IsCompound | IsContinuation,
	KwFinally:  IsKeyword | OnlyStatement | IsCompound | IsContinuation,
	KwGlobal:   IsKeyword | OnlyStatement | NeedsOperand,
	KwImport:   IsKeyword | OnlyStatement | NeedsOperand,
	KwNonlocal: IsKeyword | OnlyStatement | NeedsOperand,
	KwPass:     IsKeyword | OnlyStatement,
	KwRaise:    IsKeyword | OnlyStatement,
	KwReturn:   IsKeyword | OnlyStatement,
	KwTry:      IsKeyword | OnlyStatement | IsCompound,
	KwWhile:    IsKeyword | OnlyStatement | IsCompound | IsControl | NeedsOperand,
	KwWith:     IsKeyword | OnlyStatement | IsCompound | NeedsOperand,
}

// Words are spelled out for messages; the rest of the table is empty.
var Words = [Codes]string{
	KwFalse: "False", KwNone: "None", KwTrue: "True", KwAnd: "and", KwAs: "as", KwAssert: "assert", KwAsync: "async",
	KwAwait: "await", KwBreak: "break", KwClass: "class", KwContinue: "continue", KwDef: "def", KwDel: "del",
	KwElif: "elif", KwElse: "else", KwExcept: "except", KwFinally: "finally", KwFor: "for", KwFrom: "from",
	KwGlobal: "global", KwIf: "if", KwImport: "import", KwIn: "in", KwIs: "is", KwLambda: "lambda",
	KwNonlocal: "nonlocal", KwNot: "not", KwOr: "or", KwPass: "pass", KwRaise: "raise", KwReturn: "return",
	KwTry: "try", KwWhile: "while", KwWith: "with", KwYield: "yield",
	SoftCase: "case", SoftLazy: "lazy", SoftMatch: "match", SoftType: "type",
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
	code   Code
}

var wordTable = packWords()

func packWords() [128]wordSlot {
	var out [128]wordSlot
	for i := range out {
		out[i].code = CodeName
	}
	for c, text := range Words {
		if text == "" {
			continue
		}
		packed := pack([]byte(text))
		slot := &out[packed*hashWords>>hashShift]
		if slot.packed != 0 {
			panic("two keywords in one slot: choose another factor")
		}
		*slot = wordSlot{packed, Code(c)}
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
func nameAt(src []byte, pos int) (Code, int) {
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
		return CodeName, pos
	}
	return lookUp(pack(src[start:pos])), pos
}

func lookUp(packed uint64) Code {
	if slot := &wordTable[packed*hashWords>>hashShift]; slot.packed == packed {
		return slot.code
	}
	return CodeName
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
