package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// named is a path of the repository in a document: in code marks, with a slash
// or a known ending, and no placeholder in it.
var named = regexp.MustCompile("`((?:cmd|compiler|jobs|nomad|pkg|sdk|examples|docs|terraform|e2e|bench)(?:/[A-Za-z0-9_.-]+)+/?)`")

// TestNamedPathsExist holds that documents name real files.
func TestNamedPathsExist(t *testing.T) {
	documents, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	documents = append(documents, "../README.md", "../CONTRIBUTING.md", "../examples/README.md")
	found := 0
	for _, document := range documents {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range named.FindAllStringSubmatch(string(text), -1) {
			found++
			path := strings.TrimSuffix(match[1], "/")
			if _, err := os.Stat(filepath.Join("..", path)); err != nil {
				t.Errorf("%s names %s, which does not exist", document, path)
			}
		}
	}
	if found == 0 {
		t.Fatal("no document names any path: the pattern is broken")
	}
}
