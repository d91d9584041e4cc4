package term

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Escape makes text of others safe to print on one line: control characters,
// bidirectional overrides and bytes that are not UTF-8 are shown as \x1b,
// \u202e and \xff, so that a file name or a line of output can neither move
// the cursor nor forge a line. A tab stays a tab.
func Escape(s string) string {
	if isClean(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r < 0x80 && isUnsafe(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case isUnsafe(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += n
	}
	return b.String()
}

// EscapeLines is Escape for text of several lines.
func EscapeLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = Escape(line)
	}
	return strings.Join(lines, "\n")
}

func isClean(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, isUnsafe) < 0
}

// isUnsafe reports whether a terminal would act on r instead of showing it.
func isUnsafe(r rune) bool {
	switch {
	case r == '\t':
		return false
	case r < 0x20, r >= 0x7f && r < 0xa0: // C0, DEL, C1
		return true
	case r == 0x2028, r == 0x2029: // line and paragraph separator
		return true
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // bidirectional
		return true
	}
	return false
}
