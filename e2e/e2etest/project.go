// Package e2etest is what the end-to-end tests of several packages need: projects of
// their own, the servers of the cluster, which they share without being in each other's
// way, and a tenant that tries what he must not.
package e2etest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Project is one of the tests' own, in a directory of its own.
type Project struct {
	Name, Dir, Home string
	Key             string // of another account than the tests' own; empty for that
}

// New creates a project of the tests' own account. It is destroyed when the test ends.
func New(t *testing.T) Project {
	t.Helper()
	return NewOf(t, "")
}

// NewOf creates a project of the account of a key.
func NewOf(t *testing.T, key string) Project {
	t.Helper()
	p := Project{Name: RandomName(), Dir: t.TempDir(), Home: t.TempDir(), Key: key}
	t.Cleanup(func() { _ = p.Command("destroy", p.Name, "--yes").Run() })
	p.Run(t, "create", p.Name)
	return p
}

// RandomName is a name that no other project has.
func RandomName() string {
	random := make([]byte, 3)
	_, _ = rand.Read(random)
	return "t-" + hex.EncodeToString(random)
}

// Write writes a file of the project.
func (p Project) Write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.Dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// CommandTime is more than any command takes. One that hangs fails its own test, with
// what it has printed and where its goroutines are, and holds up no other.
const CommandTime = 8 * time.Minute

// Command is fngen, in the directory of the project, with the key of its account.
func (p Project) Command(args ...string) *exec.Cmd {
	// The context of a test would end before its cleanups run.
	ctx, cancel := context.WithTimeout(context.Background(), CommandTime)
	context.AfterFunc(ctx, cancel)
	cmd := exec.CommandContext(ctx, "fngen", args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) }
	cmd.WaitDelay = time.Second
	cmd.Dir = p.Dir
	cmd.Env = append(os.Environ(), "HOME="+p.Home, "CI=true")
	if p.Key != "" {
		cmd.Env = append(cmd.Env, "FNGEN_API_KEY="+p.Key)
	}
	return cmd
}

// Run runs a command that must succeed, and returns what it printed.
func (p Project) Run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := p.Command(args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("fngen %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}
