package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var console = regexp.MustCompile("(?s)```console\n(\\$ make build\n.*?)```")

// TestReadmeMinute types what the README says to type, and sees what it shows.
func TestReadmeMinute(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := console.FindSubmatch(readme)
	if block == nil {
		t.Fatal("the README has no block that begins with make build")
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "examples", "hello"), os.DirFS("../examples/hello")); err != nil {
		t.Fatal(err)
	}
	for _, step := range strings.Split("\n"+string(block[1]), "\n$ ")[1:] {
		command, shown, _ := strings.Cut(step, "\n")
		if command == "make build" { // into the clone; this is the same program
			command = "go build -C " + checkout(t) + " -o " + filepath.Join(dir, "bin", "fngen") + " ./cmd/fngen"
		}
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = dir
		out, _ := cmd.CombinedOutput() // one of them ends with exit code 1, and shows why
		if diff := cmp.Diff(strings.TrimRight(shown, "\n"), strings.TrimRight(string(out), "\n")); diff != "" {
			t.Errorf("$ %s\n(-README +seen)\n%s", command, diff)
		}
	}
}

func checkout(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
