package cli

import (
	"fmt"
	"regexp"
	"strings"

	"fngen.dev/fngen/compiler/ir"
)

// plainLine is a line that every reader of .env files takes alike: a name and a value
// without quotes, spaces around it, or anything that some of them expand.
var plainLine = regexp.MustCompile("^(?:export )?([A-Za-z_][A-Za-z0-9_]*)=([^\\s\\x00-\\x1f\"'`$#\\\\]*(?: [^\\s\\x00-\\x1f\"'`$#\\\\]+)*)$")

// readVariables reads a file of plain lines, and one pair of quotes around a value that
// has neither quotes nor anything to expand within. The others are refused by their
// number: a value that is read otherwise than by the program is worse than none.
func readVariables(file string, data []byte) ([]string, error) {
	var out []string
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := plainLine.FindStringSubmatch(unquoted(line))
		if m == nil || !ir.ValidVariable(m[1]) {
			// Never the line: it may hold a secret.
			return nil, &usageError{message: fmt.Sprintf("%s:%d is not read by fngen dev", file, n), help: "it reads NAME=value, and values in one pair of quotes, without $, # or a backslash in them"}
		}
		out = append(out, m[1]+"="+m[2])
	}
	return out, nil
}

// unquoted takes one pair of quotes from around a value.
func unquoted(line string) string {
	name, value, _ := strings.Cut(line, "=")
	for _, quote := range []string{`"`, "'"} {
		if len(value) >= 2 && strings.HasPrefix(value, quote) && strings.HasSuffix(value, quote) {
			return name + "=" + value[1:len(value)-1]
		}
	}
	return line
}
