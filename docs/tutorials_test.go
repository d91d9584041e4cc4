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

var (
	block  = regexp.MustCompile("(?s)```(console|python)\n(.*?)```")
	fileOf = regexp.MustCompile(`^# (\S+\.py)\n`)
)

// TestTutorials follows each tutorial: writes its files, types its commands, and
// compares what they show.
func TestTutorials(t *testing.T) {
	tutorials, err := filepath.Glob("tutorials/*.md")
	if err != nil || len(tutorials) == 0 {
		t.Fatalf("no tutorials: %v", err)
	}
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-C", checkout(t), "-o", filepath.Join(bin, "fngen"), "./cmd/fngen").CombinedOutput(); err != nil {
		t.Fatalf("build fngen: %v\n%s", err, out)
	}
	for _, tutorial := range tutorials {
		t.Run(filepath.Base(tutorial), func(t *testing.T) { follow(t, tutorial, bin) })
	}
}

func follow(t *testing.T, tutorial, bin string) {
	text, err := os.ReadFile(tutorial)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, m := range block.FindAllStringSubmatch(string(text), -1) {
		if m[1] == "python" {
			file := fileOf.FindStringSubmatch(m[2])
			if file == nil {
				t.Fatalf("a block of Python does not begin with the name of its file:\n%s", m[2])
			}
			if err := os.WriteFile(filepath.Join(dir, file[1]), []byte(strings.TrimPrefix(m[2], file[0])), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		for _, step := range strings.Split("\n"+m[2], "\n$ ")[1:] {
			command, shown, _ := strings.Cut(step, "\n")
			cmd := exec.Command("sh", "-c", command)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "FNGEN_API_URL=", "FNGEN_API_KEY=")
			out, _ := cmd.CombinedOutput() // some end with exit code 1, and show why
			if diff := cmp.Diff(strings.TrimRight(shown, "\n"), strings.TrimRight(string(out), "\n")); diff != "" {
				t.Errorf("$ %s\n(-tutorial +seen)\n%s", command, diff)
			}
		}
	}
}
