package discover

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"fngen.dev/fngen/compiler/literal"
)

// constant is a module-level name with a constant value; ok is false once it was
// given another one.
type constant struct {
	value literal.Value
	ok    bool
}

// constant notes "NAME = value". A name that is bound twice has no one value.
func (s *scanner) constant(name string, value []token) {
	if _, again := s.consts[name]; again {
		s.consts[name] = constant{}
		return
	}
	v, why := s.literal(value)
	s.consts[name] = constant{value: v, ok: why == ""}
}

// literal reads a constant expression, or says why it is none.
func (s *scanner) literal(toks []token) (literal.Value, string) {
	toks = s.unwrap(toks)
	const notConstant = "the value is not a constant"
	if len(toks) == 0 {
		return literal.Value{}, notConstant
	}
	first := toks[0]
	switch {
	case first.kind == tokString:
		return s.stringLiteral(toks)
	case len(toks) == 2 && toks[1].kind == tokNumber && (s.is(first, "-") || s.is(first, "+")):
		return number(string(s.text(first)) + string(s.text(toks[1])))
	case len(toks) > 1:
		return literal.Value{}, notConstant
	case first.kind == tokNumber:
		return number(string(s.text(first)))
	case first.kind != tokName:
		return literal.Value{}, notConstant
	}
	switch name := s.name(first); name {
	case "True", "False":
		return literal.Value{Kind: literal.Bool, Bool: name == "True"}, ""
	case "None":
		return literal.Value{Kind: literal.None}, ""
	default:
		c, known := s.consts[name]
		if known && c.ok {
			return c.value, ""
		}
		return literal.Value{}, strconv.Quote(name) + " is not a name with one constant value in this file"
	}
}

func number(text string) (literal.Value, string) {
	clean := strings.ReplaceAll(text, "_", "")
	if n, err := strconv.ParseInt(clean, 0, 64); err == nil {
		return literal.Value{Kind: literal.Int, Int: n}, ""
	}
	if f, err := strconv.ParseFloat(clean, 64); err == nil && strings.ContainsAny(clean, ".eE") && !strings.ContainsAny(clean, "xX") {
		return literal.Value{Kind: literal.Float, Float: f}, ""
	}
	return literal.Value{}, "the number " + text + " is not one that an option can have"
}

// stringLiteral joins adjacent strings as Python does.
func (s *scanner) stringLiteral(toks []token) (literal.Value, string) {
	var b strings.Builder
	for _, t := range toks {
		if t.kind != tokString {
			return literal.Value{}, "the value is not a constant"
		}
		text, why := unquote(string(s.text(t)))
		if why != "" {
			return literal.Value{}, why
		}
		b.WriteString(text)
	}
	return literal.Value{Kind: literal.Str, Str: b.String()}, ""
}

// unquote evaluates one Python string.
func unquote(text string) (string, string) {
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
