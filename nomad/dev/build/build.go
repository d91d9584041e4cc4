//go:build linux

package build

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Debug information is left out of every program of the cluster, the project's own
// too, so that they share what they have in common: a sixth less to compile.
var flags = []string{"-trimpath", "-gcflags=all=-dwarf=false"}

const stripped = "-s -w"

// Program builds packages of the checkout as the servers are built.
func Program(ctx context.Context, dir, out string, packages ...string) error {
	args := append([]string{"build", "-buildvcs=false", "-o", out, "-ldflags", stripped}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, packages...)...)
	cmd.Dir, cmd.Env = dir, environ(false)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %v: %w\n%s", packages, err, lastBytes(out, 4000))
	}
	return nil
}

// one is the build of one tool.
type one struct {
	Tool
	pin    Pin
	target string
	// nice is how much the build lets others go first, as nice(1) has it.
	nice int
	// progress is nil when nobody looks.
	progress *progress
}

// locked builds the tool while no other make does.
func (b *one) locked(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Dir(b.target), 0o755); err != nil {
		return fmt.Errorf("create cache: %w", err)
	}
	lock, err := os.OpenFile(b.target+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("open lock: %w", err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	if executable(b.target) { // the other make was faster
		return nil
	}
	work, err := b.workspace()
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := b.compile(ctx, work); err != nil {
		return err
	}
	built := filepath.Join(work, b.Name)
	if !fits(ctx, built, b.Tool, b.pin) { // somebody may put it on PATH
		return fmt.Errorf("%s was built, but does not say that it is %s", b.Name, b.pin.Version)
	}
	return os.Rename(built, b.target)
}

// workspace holds a copy of go.mod and go.sum, since -mod=mod may write them.
// (-mod=mod: the checksums of what only tests of the server import are missing.)
func (b *one) workspace() (string, error) {
	stale, _ := filepath.Glob(filepath.Join(filepath.Dir(b.target), "build-*")) // the pattern is good
	for _, dir := range stale {                                                 // of builds that were killed
		if err := os.RemoveAll(dir); err != nil {
			return "", fmt.Errorf("remove stale build: %w", err)
		}
	}
	work, err := os.MkdirTemp(filepath.Dir(b.target), "build-")
	if err != nil {
		return "", fmt.Errorf("create build directory: %w", err)
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		raw, err := os.ReadFile(filepath.Join(b.pin.Dir, name))
		if err != nil {
			return "", fmt.Errorf("read pin of %s: %w", b.Name, err)
		}
		if err := os.WriteFile(filepath.Join(work, name), raw, 0o644); err != nil {
			return "", fmt.Errorf("copy pin of %s: %w", b.Name, err)
		}
	}
	return work, nil
}

// compile downloads and counts the packages, then builds them.
func (b *one) compile(ctx context.Context, work string) error {
	if err := b.overlay(ctx, work); err != nil {
		return err
	}
	common := []string{"-mod=mod", "-tags", b.Tags}
	list, err := b.command(ctx, work, "go", append(append([]string{"list"}, common...), "-deps", b.pin.Package)...).Output()
	if err != nil {
		return fmt.Errorf("list packages of %s: %w\n%s", b.Name, err, stderrOf(err))
	}
	b.progress.start(b.Name, bytes.Count(list, []byte("\n")))
	args := append(append([]string{"build", "-v", "-o", b.Name, "-ldflags", b.linkFlags(b.pin)}, common...), flags...)
	cmd := b.command(ctx, work, "go", append(args, b.pin.Package)...)
	pipe, err := cmd.StderrPipe()
	if err != nil {
		return fmt.Errorf("build %s: %w", b.Name, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("build %s: %w", b.Name, err)
	}
	said := b.follow(pipe)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", b.Name, err, lastBytes(said, 4000))
	}
	return nil
}

// follow counts the packages that -v names, and keeps all that was said.
func (b *one) follow(r io.Reader) []byte {
	var said bytes.Buffer
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		said.Write(append(lines.Bytes(), '\n'))
		b.progress.compiled(b.Name)
	}
	_, _ = io.Copy(io.Discard, r) // a line that is too long ends the counting
	return said.Bytes()
}

func (b *one) command(ctx context.Context, work, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "nice", append([]string{"-n", strconv.Itoa(b.nice), program}, args...)...)
	cmd.Dir, cmd.Env = work, append(environ(b.CGO), "GOWORK=off", "GOFLAGS=")
	return cmd
}

func environ(cgo bool) []string {
	env := append(os.Environ(), "CGO_ENABLED="+map[bool]string{true: "1", false: "0"}[cgo])
	if os.Getenv("GOGC") == "" && memory() >= plenty {
		env = append(env, "GOGC=400")
	}
	return env
}

// plenty is the memory, in bytes, with which the compiler need not save any: it is
// a tenth faster, and six compilers at once take about 5 GB.
const plenty = 12 << 30

func memory() uint64 {
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) != nil {
		return 0
	}
	return info.Totalram * uint64(info.Unit)
}

func stderrOf(err error) []byte {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return lastBytes(exit.Stderr, 4000)
	}
	return nil
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

func lastBytes(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

func since(start time.Time) time.Duration { return time.Since(start).Round(time.Second) }
