package python

import "unicode/utf8"

// byteClass sorts bytes by the token that starts with them.
type byteClass uint8

const (
	byStranger byteClass = iota // starts nothing
	bySpace
	byEnd // of a line
	byHash
	byBackslash
	byLetter
	byForeign // a byte of a character outside ASCII
	byDigit
	byDot
	byQuote
	byOpen
	byClose
	byColon
	byOperator
)

var byteClasses = sortBytes()

func sortBytes() [256]byteClass {
	var out [256]byteClass
	set := func(class byteClass, chars string) {
		for i := range len(chars) {
			out[chars[i]] = class
		}
	}
	set(bySpace, " \t\f")
	set(byEnd, "\n\r")
	set(byHash, "#")
	set(byBackslash, "\\")
	set(byLetter, "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	set(byDigit, "0123456789")
	set(byDot, ".")
	set(byQuote, "\"'")
	set(byOpen, "([{")
	set(byClose, ")]}")
	set(byColon, ":")
	set(byOperator, ",;~*/<>-+%&|^@=!")
	for c := utf8.RuneSelf; c < len(out); c++ {
		out[c] = byForeign
	}
	return out
}

// Sets of bytes that are read over quickly.
var (
	inName   = setOf(func(c byte) bool { return isNamePart(c) && c < utf8.RuneSelf })
	inString = setOf(func(c byte) bool {
		return c < utf8.RuneSelf && c != '"' && c != '\'' && c != '\\' && c != '\n' && c != '\r'
	})
	// endsNoName are those after which a name is more than letters of ASCII.
	endsNoName = setOf(func(c byte) bool { return c >= utf8.RuneSelf || c == '"' || c == '\'' })
	// inText is a string's without braces, for those that have fields.
	inText = setOf(func(c byte) bool { return inString[c] && c != '{' && c != '}' })
)

// oneSpace is 1 for a space: adding it steps over one without a branch.
var oneSpace = [256]uint8{' ': 1}

func setOf(member func(byte) bool) [256]bool {
	var out [256]bool
	for i := range out {
		out[i] = member(byte(i))
	}
	return out
}

func isNameStart(c byte) bool {
	return c|32 >= 'a' && c|32 <= 'z' || c == '_' || c >= utf8.RuneSelf
}
func isNamePart(c byte) bool { return isNameStart(c) || isDigit(c) }
func isDigit(c byte) bool    { return c >= '0' && c <= '9' }
