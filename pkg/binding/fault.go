package binding

import (
	"bytes"
	"encoding/json"
	"regexp"
	"unicode/utf8"
)

// fault is one that is not told yet; its place is seen from where it was found.
type fault struct {
	loc                      []any
	kind, expected, why, msg string
	input                    any
}

// maxInput is how much of a value is shown, in letters.
const maxInput = 200

var secretName = regexp.MustCompile(`(?i)pass(word|wd|phrase)?$|secret|token|api_?key|credential`)

func refuse(kind, expected string, v any, why string) []fault {
	return []fault{{kind: kind, expected: expected, input: v, why: why}}
}

func missing(name, expected string) fault {
	return fault{loc: []any{name}, kind: "missing", expected: expected, msg: "is missing, expected " + expected}
}

// below is faults seen from outside.
func below(faults []fault, place ...any) []fault {
	for i := range faults {
		faults[i].loc = append(append([]any{}, place...), faults[i].loc...)
	}
	return faults
}

func (f fault) words(hidden bool) string {
	if f.msg != "" {
		return f.msg
	}
	got := shown(f.input)
	if hidden {
		got = "[hidden]"
	}
	msg := "expected " + f.expected + ", got " + got
	if f.why != "" {
		msg += ": " + f.why
	}
	return msg
}

// secret says whether a place looks like that of a secret.
func secret(loc []any) bool {
	for _, part := range loc {
		if name, ok := part.(string); ok && secretName.MatchString(name) {
			return true
		}
	}
	return false
}

// shown is a value as JSON, cut to what a person reads.
func shown(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "?"
	}
	text := string(bytes.TrimSpace(b.Bytes()))
	if utf8.RuneCountInString(text) <= maxInput {
		return text
	}
	return string([]rune(text)[:maxInput-1]) + "…"
}
