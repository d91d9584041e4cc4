package docs

import (
	"encoding/json"
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
	out, err := exec.Command("go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatalf("go mod edit: %v", err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	direct := 0
	for _, m := range mod.Require {
		if m.Indirect {
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
