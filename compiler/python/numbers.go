package python

// inNumber are the bytes after plain digits that make a number longer, or may.
var inNumber = setOf(func(c byte) bool { return c == '.' || c == '_' || isNameStart(c) })

var (
	hexadecimal  = setOf(func(c byte) bool { return isDigit(c) || c|32 >= 'a' && c|32 <= 'f' || c == '_' })
	octal        = setOf(func(c byte) bool { return c >= '0' && c <= '7' || c == '_' })
	binaryDigits = setOf(func(c byte) bool { return c == '0' || c == '1' || c == '_' })
)

// radix are the digits that may follow "0" and c.
func radix(c byte) *[256]bool {
	switch c | 32 {
	case 'x':
		return &hexadecimal
	case 'o':
		return &octal
	case 'b':
		return &binaryDigits
	}
	return nil
}

// numberEnd returns where the number at pos ends: it takes digits, letters and dots
// as far as one number goes.
func numberEnd(src []byte, pos int) int {
	at := func(i int) byte {
		if i < len(src) {
			return src[i]
		}
		return 0
	}
	if src[pos] == '0' {
		if digits := radix(at(pos + 1)); digits != nil {
			for pos += 2; pos < len(src) && digits[src[pos]]; pos++ {
			}
			return pos
		}
	}
	pos = skipDigits(src, pos)
	if at(pos) == '.' {
		pos = skipDigits(src, pos+1)
	}
	if at(pos)|32 == 'e' {
		sign := 1
		if c := at(pos + 1); c == '+' || c == '-' {
			sign = 2
		}
		if isDigit(at(pos + sign)) {
			pos = skipDigits(src, pos+sign)
		}
	}
	if at(pos)|32 == 'j' {
		pos++
	}
	return pos
}

// skipDigits passes digits with single underscores between them.
func skipDigits(src []byte, pos int) int {
	for pos < len(src) && (isDigit(src[pos]) || src[pos] == '_' && pos+1 < len(src) && isDigit(src[pos+1])) {
		pos++
	}
	return pos
}
