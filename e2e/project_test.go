package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
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

// beside has a test run beside others, as soon as the servers of all sizes that it
// needs are free, until it is over.
func beside(t *testing.T, sizes ...string) {
	t.Helper()
	t.Parallel()
	servers.take(sizes)
	hangs := time.AfterFunc(longest, func() { panic(t.Name() + " has held its servers for " + longest.String()) })
	t.Cleanup(func() {
		hangs.Stop()
		servers.free(sizes)
	})
}

// longest is far more than any test takes. One that hangs is named, with where it
// does, and does not have all others wait for the end of time.
const longest = 15 * time.Minute

// servers are those of the cluster, by their size. Of size s there are two in us-west,
// which have room for one more instance than most tests need: the spare. Those of
// us-east are "east s" (two of them), "east m" and "east xl".
var servers = reservations{taken: map[string]bool{}, freed: sync.NewCond(new(sync.Mutex))}

// atOnce is how many tests run beside each other: more take longer in all on two
// processors, and instances that start slowly look like those that never will.
const atOnce = 3

type reservations struct {
	taken   map[string]bool
	holders int
	freed   *sync.Cond
}

// take waits until it may run and all sizes are free at once: who waits holds nothing.
func (r *reservations) take(sizes []string) {
	r.freed.L.Lock()
	defer r.freed.L.Unlock()
	for r.holders == atOnce || slices.ContainsFunc(sizes, func(size string) bool { return r.taken[size] }) {
		r.freed.Wait()
	}
	r.holders++
	for _, size := range sizes {
		r.taken[size] = true
	}
}

func (r *reservations) free(sizes []string) {
	r.freed.L.Lock()
	defer r.freed.L.Unlock()
	r.holders--
	for _, size := range sizes {
		delete(r.taken, size)
	}
	r.freed.Broadcast()
}
