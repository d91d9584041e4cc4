package python

// Kind sorts tokens by what they are made of.
type Kind uint8

const (
	Name Kind = iota
	Number
	String
	Operator
)

// Token is a piece of one logical line: its text is src[start:end].
type Token struct {
	Lexeme
	Start, End int32
	Line       int32
}

// maxTokens of one logical line are kept; a longer one is data, and is read over.
// maxBrackets may be open at once, as in CPython.
const (
	maxTokens   = 1 << 18
	maxBrackets = 200
)

// bracket is an open one; the first of a line stands for the line itself.
type bracket struct {
	char byte
	// index is true of a bracket that follows an operand, soft when that is match
	// or case at the start of the line, which may be keywords.
	index, soft bool
	start       int32
	line        int32
	// lambdas wait for their colon.
	lambdas int32
}

// Shape is what the lexer saw of a whole logical line, so that most lines need no
// second look.
type Shape struct {
	// Clashes is false when every token may follow the one before it.
	Clashes bool
	// Assigns and Semicolon are of tokens outside brackets.
	Assigns, Semicolon bool
	// Colon is the first token that is one, outside brackets and not of a lambda;
	// -1 when there is none.
	Colon int32
}

// spill makes room for one more token. When a line is too long, the last token
// is dropped each time.
func (lx *Lexer) spill(toks []Token) []Token {
	if len(toks) >= maxTokens {
		lx.Long = true
		return toks[:maxTokens-1]
	}
	room := make([]Token, len(toks), min(max(2*cap(toks), 256), maxTokens))
	copy(room, toks)
	return room
}
