package docs

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// testName is a path of a file of tests.
var testName = regexp.MustCompile("`[a-z][A-Za-z0-9_/]*(_test\\.go|/test_[a-z_]+\\.py)`")

// TestWhatTenantsCannotDoIsTested holds that each row of what tenants can and cannot do
// names where that is tried. That the files exist holds another test.
func TestWhatTenantsCannotDoIsTested(t *testing.T) {
	text, err := os.ReadFile("operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(text), "\n## What tenants can and cannot do\n")
	part, _, _ = strings.Cut(part, "\n## ")
	rows := 0
	for line := range strings.Lines(part) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "| ") || strings.TrimSpace(cells[len(cells)-1]) == "tested" {
			continue
		}
		rows++
		where := strings.TrimSpace(cells[len(cells)-1])
		if where != "the same" && !testName.MatchString(where) {
			t.Errorf("no test is named for %q: %q", strings.TrimSpace(cells[0]), where)
		}
	}
	if rows < 17 {
		t.Errorf("only %d rows were found", rows)
	}
}
