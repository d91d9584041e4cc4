//go:build linux

package build

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"fngen.dev/fngen/nomad/dev/layout"
)

// Report takes one line of progress.
type Report func(format string, args ...any)

// Missing lists the tools that neither PATH nor the cache has.
func Missing(ctx context.Context, l layout.Layout) ([]Tool, error) {
	_, missing, err := locate(ctx, l)
	return missing, err
}

// Ensure returns the path of every tool, after building what is missing. A
// build that was broken off is taken up by running Ensure again: Go keeps what
// it compiled.
func Ensure(ctx context.Context, l layout.Layout, report Report) (map[string]string, error) {
	paths, missing, err := locate(ctx, l)
	if err != nil || len(missing) == 0 {
		return paths, err
	}
	report("building %s from source: about %.0f minutes on %d cores, once",
		names(missing), Minutes(missing, runtime.NumCPU()), runtime.NumCPU())
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for _, t := range missing {
		group.Go(func() error { return buildLocked(ctx, l, t, report) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	paths, _, err = locate(ctx, l)
	return paths, err
}

func locate(ctx context.Context, l layout.Layout) (map[string]string, []Tool, error) {
	paths, missing := map[string]string{}, []Tool(nil)
	for _, t := range Tools() {
		pin, err := ReadPin(l, t.Name)
		if err != nil {
			return nil, nil, err
		}
		switch cached := cachePath(l, t, pin); {
		case executable(cached):
			paths[t.Name] = cached
		case onPath(ctx, t, pin) != "":
			paths[t.Name] = onPath(ctx, t, pin)
		default:
			missing = append(missing, t)
		}
	}
	return paths, missing, nil
}

// cachePath is tools/<name>-<version>-<digest of go.mod>/<name>.
func cachePath(l layout.Layout, t Tool, pin Pin) string {
	dir := fmt.Sprintf("%s-%s-%.12s", t.Name, pin.Version, pin.Digest)
	return filepath.Join(l.Cache, "tools", dir, t.Name)
}

// onPath returns the program on PATH when its version fits the pin.
func onPath(ctx context.Context, t Tool, pin Pin) string {
	path, err := exec.LookPath(t.Name)
	if err != nil {
		return ""
	}
	out, err := exec.CommandContext(ctx, path, t.VersionArgs...).CombinedOutput()
	if err != nil {
		return ""
	}
	found := versionPattern.FindSubmatch(out)
	if found == nil || !Fits(string(found[1]), pin.Version) {
		return ""
	}
	return path
}

// buildLocked builds one tool while no other make does.
func buildLocked(ctx context.Context, l layout.Layout, t Tool, report Report) error {
	pin, err := ReadPin(l, t.Name)
	if err != nil {
		return err
	}
	target := cachePath(l, t, pin)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return fmt.Errorf("create cache: %w", err)
	}
	lock, err := os.OpenFile(target+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("open lock: %w", err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	if executable(target) { // the other make was faster
		return nil
	}
	start := time.Now()
	report("%-9s building %s", t.Name, pin.Version)
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(30 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				report("%-9s building, for %s now", t.Name, time.Since(start).Round(time.Second))
			}
		}
	}()
	err = goBuild(ctx, l, t, pin, target)
	close(done)
	if err != nil {
		return err
	}
	report("%-9s built %s in %s", t.Name, pin.Version, time.Since(start).Round(time.Second))
	return nil
}

// goBuild works on a copy of go.mod and go.sum, since -mod=mod may write them.
// (-mod=mod: the checksums of what only tests of the server import are missing.)
func goBuild(ctx context.Context, l layout.Layout, t Tool, pin Pin, target string) error {
	stale, _ := filepath.Glob(filepath.Join(filepath.Dir(target), "build-*")) // the pattern is good
	for _, dir := range stale {                                               // of builds that were killed
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove stale build: %w", err)
		}
	}
	work, err := os.MkdirTemp(filepath.Dir(target), "build-")
	if err != nil {
		return fmt.Errorf("create build directory: %w", err)
	}
	defer os.RemoveAll(work)
	for _, name := range []string{"go.mod", "go.sum"} {
		raw, err := os.ReadFile(filepath.Join(l.Tool(t.Name), name))
		if err != nil {
			return fmt.Errorf("read pin of %s: %w", t.Name, err)
		}
		if err := os.WriteFile(filepath.Join(work, name), raw, 0o644); err != nil {
			return fmt.Errorf("copy pin of %s: %w", t.Name, err)
		}
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-mod=mod", "-trimpath", "-ldflags", "-s -w", "-o", t.Name, pin.Package)
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "CGO_ENABLED="+map[bool]string{true: "1", false: "0"}[t.CGO], "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", t.Name, err, lastBytes(out, 4000))
	}
	return os.Rename(filepath.Join(work, t.Name), target)
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

func names(tools []Tool) string {
	text := ""
	for i, t := range tools {
		if i > 0 {
			text += ", "
		}
		text += t.Name
	}
	return text
}

func lastBytes(b []byte, n int) []byte { return b[max(0, len(b)-n):] }
