package ignore

import "strings"

// set is a bracket expression: one bit for each byte.
type set [4]uint64

func (s *set) add(b byte)      { s[b>>6] |= 1 << (b & 63) }
func (s *set) has(b byte) bool { return s[b>>6]&(1<<(b&63)) != 0 }

func (s *set) addRange(from, to byte) {
	for b := int(from); b <= int(to); b++ {
		s.add(byte(b))
	}
}

// parseSet reads the bracket expression that opens at i. It reports false when
// the expression has no end or names a class that does not exist: such a
// pattern matches nothing.
func parseSet(text string, i int) (*set, int, bool) {
	s := &set{}
	i++
	negated := i < len(text) && (text[i] == '!' || text[i] == '^')
	if negated {
		i++
	}
	last, ranges := byte(0), false // the start of a possible range
	for first := true; ; first = false {
		if i >= len(text) {
			return s, i, false
		}
		c := text[i]
		switch {
		case c == ']' && !first:
			if negated {
				for n := range s {
					s[n] = ^s[n]
				}
			}
			return s, i + 1, true
		case c == '-' && ranges && i+1 < len(text) && text[i+1] != ']':
			i++
			if text[i] == '\\' {
				i++
			}
			if i >= len(text) {
				return s, i, false
			}
			s.addRange(last, text[i])
			ranges = false
		case c == '[' && i+1 < len(text) && text[i+1] == ':':
			end, isClass, ok := s.addClass(text, i)
			if !ok {
				return s, i, false
			}
			last, ranges = '[', !isClass
			i = end
		default:
			if c == '\\' {
				if i++; i >= len(text) {
					return s, i, false
				}
				c = text[i]
			}
			s.add(c)
			last, ranges = c, true
		}
		i++
	}
}

// addClass adds "[:name:]" that opens at i and returns the place of its last
// byte. Without an end it is an ordinary "[".
func (s *set) addClass(text string, i int) (end int, isClass, ok bool) {
	close := strings.IndexByte(text[i+2:], ']')
	if close < 0 {
		return i, false, false
	}
	close += i + 2
	if close == i+2 || text[close-1] != ':' || close-1 < i+2 {
		s.add('[')
		return i, false, true
	}
	member, known := classes[text[i+2:close-1]]
	if !known {
		return i, false, false
	}
	for b := 0; b < 128; b++ {
		if member(byte(b)) {
			s.add(byte(b))
		}
	}
	return close, true, true
}

var classes = map[string]func(byte) bool{
	"alnum":  func(b byte) bool { return letter(b) || digit(b) },
	"alpha":  letter,
	"blank":  func(b byte) bool { return b == ' ' || b == '\t' },
	"cntrl":  func(b byte) bool { return b < ' ' || b == 127 },
	"digit":  digit,
	"graph":  func(b byte) bool { return b > ' ' && b < 127 },
	"lower":  func(b byte) bool { return b >= 'a' && b <= 'z' },
	"print":  func(b byte) bool { return b >= ' ' && b < 127 },
	"punct":  func(b byte) bool { return b > ' ' && b < 127 && !letter(b) && !digit(b) },
	"space":  func(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' },
	"upper":  func(b byte) bool { return b >= 'A' && b <= 'Z' },
	"xdigit": func(b byte) bool { return digit(b) || b|32 >= 'a' && b|32 <= 'f' },
}

func letter(b byte) bool { return b|32 >= 'a' && b|32 <= 'z' }
func digit(b byte) bool  { return b >= '0' && b <= '9' }
