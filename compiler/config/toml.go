package config

import (
	"regexp"
	"strings"

	"fngen.dev/fngen/compiler/literal"
)

var tomlTable = regexp.MustCompile(`^\s*\[\s*([A-Za-z0-9_.-]+)\s*\]\s*(?:#.*)?$`)

// tomlString finds a string in a table of a TOML file. It reads lines, not TOML:
// the few keys that matter here are written the same way everywhere, and uv
// reads the whole file when it installs.
func tomlString(data, table, key string) (Text, bool) {
	value := regexp.MustCompile(`^\s*` + regexp.QuoteMeta(key) + `\s*=\s*(?:"([^"]*)"|'([^']*)')`)
	for i, line := range tomlLines(data, table) {
		if m := value.FindStringSubmatchIndex(line); m != nil {
			from, to := m[2], m[3]
			if from < 0 {
				from, to = m[4], m[5]
			}
			return Text{line[from:to], literal.Place{Line: i + 1, Column: from, Width: to - from + 2}}, true
		}
	}
	return Text{}, false
}

// tomlHas reports whether a table has a key.
func tomlHas(data, table, key string) bool {
	value := regexp.MustCompile(`^\s*` + regexp.QuoteMeta(key) + `\s*=`)
	for _, line := range tomlLines(data, table) {
		if value.MatchString(line) {
			return true
		}
	}
	return false
}

// tomlLines are the lines of the file with all but those of one table empty.
func tomlLines(data, table string) []string {
	lines := strings.Split(data, "\n")
	in := false
	for i, line := range lines {
		if m := tomlTable.FindStringSubmatch(strings.TrimRight(line, "\r")); m != nil {
			in = m[1] == table
		}
		if !in {
			lines[i] = ""
		}
	}
	return lines
}
