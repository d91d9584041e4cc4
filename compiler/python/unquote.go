package python

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Unquote evaluates one Python string. Where it has no one value, why says so.
func Unquote(text string) (value, why string) {
	open := strings.IndexAny(text, `'"`)
	prefix := strings.ToLower(text[:open])
	switch {
	case strings.Contains(prefix, "b"):
		return "", "the value is bytes, not text"
	case strings.ContainsAny(prefix, "ft"):
		return "", "the value is made when the file runs, by an f-string"
	}
	body := text[open:]
	size := 1
	if strings.HasPrefix(body, `"""`) || strings.HasPrefix(body, "'''") {
		size = 3
	}
	body = body[size : len(body)-size]
	body = strings.ReplaceAll(strings.ReplaceAll(body, "\r\n", "\n"), "\r", "\n")
	if strings.Contains(prefix, "r") || !strings.Contains(body, `\`) {
		return body, ""
	}
	return unescape(body)
}

var simpleEscapes = map[byte]string{
	'\n': "", '\\': `\`, '\'': "'", '"': `"`, 'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
}

func unescape(body string) (string, string) {
	var b strings.Builder
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' || i+1 == len(body) {
			b.WriteByte(body[i])
			continue
		}
		i++
		c := body[i]
		if plain, ok := simpleEscapes[c]; ok {
			b.WriteString(plain)
			continue
		}
		digits, base := 0, 16
		switch {
		case c == 'x':
			digits = 2
		case c == 'u':
			digits = 4
		case c == 'U':
			digits = 8
		case c == 'N':
			return "", `the value has a character by its name, \N{...}: write the character itself`
		case c >= '0' && c <= '7':
			base = 8
			for digits < 3 && i+digits < len(body) && body[i+digits] >= '0' && body[i+digits] <= '7' {
				digits++
			}
			i--
		default: // Python keeps a backslash that means nothing
			b.WriteByte('\\')
			b.WriteByte(c)
			continue
		}
		if i+1+digits > len(body) {
			return "", "the value has an escape that is cut short"
		}
		n, err := strconv.ParseUint(body[i+1:i+1+digits], base, 32)
		if err != nil || n > utf8.MaxRune || n >= 0xd800 && n < 0xe000 {
			return "", "the value has an escape that is no character"
		}
		b.WriteRune(rune(n))
		i += digits
	}
	return b.String(), ""
}
