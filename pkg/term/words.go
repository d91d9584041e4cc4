package term

import (
	"fmt"
	"strings"
)

// Count says n things: "1 file", "3 files".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Bytes is a size in the unit that fits: "812 B", "1.4 MB".
func Bytes(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n), ""
	for _, unit = range []string{"kB", "MB", "GB"} {
		value /= 1000
		if value < 999.95 {
			break
		}
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}

// Indent puts every line after the first below the text of the first, and makes
// each safe to print.
func Indent(s, by string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = Escape(lines[i])
		if i > 0 {
			lines[i] = by + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}
