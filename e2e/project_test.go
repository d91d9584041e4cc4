package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// project is one of the tests' own, in a directory of its own.
type project struct {
	name, dir, home string
	key             string // of another account than the tests' own; empty for that
}

func newProject(t *testing.T) project {
	t.Helper()
	return projectOf(t, "")
}

func projectOf(t *testing.T, key string) project {
	t.Helper()
	p := project{name: randomName(), dir: t.TempDir(), home: t.TempDir(), key: key}
	t.Cleanup(func() { _ = p.command("destroy", p.name, "--yes").Run() })
	p.run(t, "create", p.name)
	return p
}

func (p project) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (p project) command(args ...string) *exec.Cmd {
	cmd := exec.Command("fngen", args...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "HOME="+p.home, "CI=true")
	if p.key != "" {
		cmd.Env = append(cmd.Env, "FNGEN_API_KEY="+p.key)
	}
	return cmd
}

func (p project) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := p.command(args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("fngen %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}
