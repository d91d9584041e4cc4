package docs

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestDependenciesAreListed holds that each module that go.mod requires directly
// has its sentence.
func TestDependenciesAreListed(t *testing.T) {
	text, err := os.ReadFile("dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "list", "-m", "-json", "all").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	direct := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var m struct {
			Path           string
			Main, Indirect bool
		}
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if m.Main || m.Indirect {
			continue
		}
		direct++
		if !strings.Contains(string(text), "`"+m.Path+"`") {
			t.Errorf("%s is required by go.mod and not listed in docs/dependencies.md", m.Path)
		}
	}
	if direct < 5 {
		t.Fatalf("go.mod requires %d modules directly: run go mod tidy", direct)
	}
}
