package dependencies

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"fngen.dev/fngen/compiler/config/document"
	"fngen.dev/fngen/compiler/literal"
)

// Poetry, PDM and Pipenv keep in their lock the SHA-256 of what the lock was made
// from: parts of the manifest as Python writes them in JSON, with sorted keys.

// pick makes a table of some keys of another, as far as it has them.
func pick(from *document.Value, keys ...string) *document.Value {
	out := &document.Value{Kind: document.Table}
	for _, k := range keys {
		if v := from.Get(k); v != nil {
			out.Add(k, literal.Place{}, v)
		}
	}
	return out
}

// contentHash is the hash of a value; it is empty when Python could not write it.
func contentHash(v *document.Value, comma, colon string) string {
	w := pythonJSON{comma: comma, colon: colon}
	if !w.write(v) {
		return ""
	}
	sum := sha256.Sum256([]byte(w.String()))
	return hex.EncodeToString(sum[:])
}

// pythonJSON writes as json.dumps(value, sort_keys=True) does.
type pythonJSON struct {
	strings.Builder
	comma, colon string
}

func (w *pythonJSON) write(v *document.Value) bool {
	switch {
	case v == nil:
		w.WriteString("null")
	case v.Kind == document.String:
		w.text(v.Str)
	case v.Kind == document.Array:
		w.WriteByte('[')
		for i, item := range v.Items {
			if i > 0 {
				w.WriteString(w.comma)
			}
			if !w.write(item) {
				return false
			}
		}
		w.WriteByte(']')
	case v.Kind == document.Table:
		return w.table(v)
	default:
		return w.scalar(v.Raw)
	}
	return true
}

func (w *pythonJSON) table(v *document.Value) bool {
	keys := slices.Clone(v.Keys)
	slices.SortStableFunc(keys, func(a, b document.Key) int { return strings.Compare(a.Name, b.Name) })
	w.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			w.WriteString(w.comma)
		}
		w.text(k.Name)
		w.WriteString(w.colon)
		if !w.write(k.Value) {
			return false
		}
	}
	w.WriteByte('}')
	return true
}

func (w *pythonJSON) text(s string) {
	w.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			w.WriteString(`\` + string(c))
		case c >= ' ' && c <= '~':
			w.WriteRune(c)
		case strings.ContainsRune("\n\r\t\b\f", c):
			w.WriteString(map[rune]string{'\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}[c])
		case c > 0xffff:
			high, low := utf16.EncodeRune(c)
			fmt.Fprintf(w, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(w, `\u%04x`, c)
		}
	}
	w.WriteByte('"')
}

// scalar writes numbers and booleans; Python has no dates in JSON.
func (w *pythonJSON) scalar(raw string) bool {
	if raw == "true" || raw == "false" {
		w.WriteString(raw)
		return true
	}
	number := strings.ReplaceAll(raw, "_", "")
	if i, err := strconv.ParseInt(number, 0, 64); err == nil {
		w.WriteString(strconv.FormatInt(i, 10))
		return true
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return false
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	w.WriteString(text)
	return true
}

// fits compares what a lock says it was made from with what the manifest says now:
// any of the forms in which versions of its tool have hashed it will do.
func (r *requirements) fits(lock, manifest string, have document.Text, relock string, forms ...string) bool {
	known := strings.ToLower(have.Value)
	if slices.Contains(forms, known) || slices.Contains(forms, "") {
		return true
	}
	at := have.Place
	if at.Line == 0 {
		at = literal.Place{File: lock}
	}
	r.fault("FN1124", at, lock+" does not fit "+manifest+": it was made from another content", "run `"+relock+"`")
	return false
}
