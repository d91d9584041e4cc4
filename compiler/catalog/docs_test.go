package catalog_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fngen.dev/fngen/compiler/catalog"
)

// TestFrameworksOfDocs holds that the manual lists each framework with what
// installs it.
func TestFrameworksOfDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	row := regexp.MustCompile("(?m)^\\| `([a-z]+)` \\| (ASGI|WSGI|either) \\| (?:`([a-z-]+)` )?\\|")
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		got = append(got, strings.Join(m[1:], " "))
	}
	for _, name := range catalog.Frameworks() {
		f, _ := catalog.LookupFramework(name)
		kind, install := "either", ""
		if len(f.Kinds) == 1 {
			kind = strings.ToUpper(f.Kinds[0])
		}
		if len(f.Packages) > 0 {
			install = f.Packages[0]
		}
		want = append(want, strings.Join([]string{name, kind, install}, " "))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the manual has %q, the table %q", got, want)
	}
}
