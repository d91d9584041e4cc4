package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
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

// commandTime is more than any command takes. One that hangs fails its own test, with
// what it has printed and where its goroutines are, and holds up no other.
const commandTime = 8 * time.Minute

func (p project) command(args ...string) *exec.Cmd {
	// The context of a test would end before its cleanups run.
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	context.AfterFunc(ctx, cancel)
	cmd := exec.CommandContext(ctx, "fngen", args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) }
	cmd.WaitDelay = time.Second
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
