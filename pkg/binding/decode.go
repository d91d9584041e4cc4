package binding

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of a payload, the same as the worker's.
const (
	maxDepth  = 200
	maxDigits = 4300 // Python reads no longer integer
)

// object is one of JSON, its keys in their order.
type object struct {
	keys   []string
	values map[string]any
}

// MarshalJSON writes it as it came.
func (o *object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, key := range o.keys {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(shownWhole(key) + ":" + shownWhole(o.values[key]))
		if b.Len() > 4*maxInput { // no more of it is shown
			break
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func shownWhole(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(b)
}

// decode reads strict JSON: what every reader of it agrees on. Nothing at all is null.
func decode(data []byte) (any, error) {
	if err := form(data); err != nil {
		return nil, err
	}
	if isNothing(data) {
		return nil, nil
	}
	return (&cursor{data: data}).value()
}

func isNothing(data []byte) bool { return len(bytes.Trim(data, " \t\r\n")) == 0 }

// form refuses what is no strict JSON, but for keys that are there twice.
func form(data []byte) error {
	switch {
	case isNothing(data):
		return nil
	case !utf8.Valid(data):
		return errors.New("it is not UTF-8")
	case depth(data) > maxDepth:
		return fmt.Errorf("it is nested more than %d deep", maxDepth)
	case !json.Valid(data):
		return syntax(data)
	}
	return wholeCharacters(data)
}

// syntax says where JSON is wrong.
func syntax(data []byte) error {
	var v any
	err := json.Unmarshal(data, &v)
	if wrong := (*json.SyntaxError)(nil); errors.As(err, &wrong) {
		return fmt.Errorf("%w, at byte %d", wrong, wrong.Offset)
	}
	return fmt.Errorf("it is not whole: %w", io.ErrUnexpectedEOF)
}

// number refuses those that Python cannot hold.
func number(text string) error {
	if isInteger(text) {
		if len(text) > maxDigits {
			return fmt.Errorf("a number has more than %d digits", maxDigits)
		}
		return nil
	}
	if f, err := strconv.ParseFloat(text, 64); err != nil || math.IsInf(f, 0) {
		return errors.New("a number is too large")
	}
	return nil
}

// isInteger says whether Python reads a number of JSON as an int.
func isInteger(text string) bool { return !strings.ContainsAny(text, ".eE") }

// depth is how deep data is nested, whatever else it is.
func depth(data []byte) int {
	now, most := 0, 0
	inside, escaped := false, false
	for _, b := range data {
		switch {
		case escaped:
			escaped = false
		case b == '"':
			inside = !inside
		case inside:
			escaped = b == '\\'
		case b == '[' || b == '{':
			now++
			most = max(most, now)
		case b == ']' || b == '}':
			now--
		}
	}
	return most
}

// wholeCharacters refuses halves of surrogate pairs, which encoding/json replaces
// without a word. data is valid JSON.
func wholeCharacters(data []byte) error {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		i++ // an escape is never the last byte
		if data[i] != 'u' {
			continue
		}
		unit := hex(data[i+1:])
		i += 4
		switch {
		case unit>>10 == 0xDC00>>10:
			return errors.New("it has half of a surrogate pair, which is no character")
		case unit>>10 == 0xD800>>10:
			if len(data) < i+7 || data[i+1] != '\\' || data[i+2] != 'u' || hex(data[i+3:])>>10 != 0xDC00>>10 {
				return errors.New("it has half of a surrogate pair, which is no character")
			}
			i += 6
		}
	}
	return nil
}

func hex(b []byte) uint64 {
	n, _ := strconv.ParseUint(string(b[:4]), 16, 16) // four hex digits, in valid JSON
	return n
}
