package capture

import (
	"strconv"
	"unicode/utf8"
)

// Encode appends an entry as the JSON object that json.Marshal would make, if with other
// escapes: it is done for each line that a program prints.
func Encode(b []byte, e Entry) []byte {
	b = strconv.AppendInt(append(b, `{"ts":`...), e.Time, 10)
	b = quoted(append(b, `,"stream":`...), e.Stream)
	b = quoted(append(b, `,"level":`...), e.Level)
	b = quoted(append(b, `,"message":`...), e.Message)
	b = named(b, `,"task_id":`, e.TaskID)
	b = named(b, `,"request_id":`, e.RequestID)
	b = named(b, `,"logger":`, e.Logger)
	b = named(b, `,"error":`, e.Error)
	if a := e.Access; a != nil {
		b = quoted(append(b, `,"access":{"method":`...), a.Method)
		b = quoted(append(b, `,"path":`...), a.Path)
		b = strconv.AppendInt(append(b, `,"status":`...), int64(a.Status), 10)
		b = append(strconv.AppendFloat(append(b, `,"duration_ms":`...), a.Duration, 'f', -1, 64), '}')
	}
	if e.Platform {
		b = append(b, `,"platform":true`...)
	}
	return append(b, '}')
}

// named appends a text that may be missing.
func named(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return quoted(append(b, name...), value)
}

const hexadecimal = "0123456789abcdef"

// quoted appends a string of JSON.
func quoted(b []byte, s string) []byte {
	b = append(b, '"')
	begin := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		r, n := rune(c), 1
		if c >= utf8.RuneSelf {
			if r, n = utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		b = append(b, s[begin:i]...)
		switch {
		case c >= utf8.RuneSelf:
			b = append(b, "\uFFFD"...)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hexadecimal[c>>4], hexadecimal[c&15])
		default:
			b = append(b, '\\', c)
		}
		i += n
		begin = i
	}
	return append(append(b, s[begin:]...), '"')
}
