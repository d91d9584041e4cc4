//go:build linux

package build

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"fngen.dev/fngen/nomad/dev/layout"
)

// atOnce is how many servers are built beside each other. Two would leave a core
// idle while one is downloaded or linked.
const atOnce = 3

// yield is by how much a server's build lets those before it go first.
const yield = 5

// Servers are the programs of the cluster, found or still being built.
type Servers struct {
	builds []*one
	ready  map[string]chan struct{}
	// done is closed when nothing is built any more; err says what failed.
	done chan struct{}
	err  error
}

// Report takes one line of progress.
type Report func(format string, args ...any)

// Find looks for the servers on PATH and in the cache.
func Find(ctx context.Context, l layout.Layout) (*Servers, error) {
	s := &Servers{ready: map[string]chan struct{}{}, done: make(chan struct{})}
	for _, t := range Tools() {
		pin, err := ReadPin(l, t)
		if err != nil {
			return nil, err
		}
		b := &one{Tool: t, pin: pin, target: cachePath(l, t, pin)}
		if path := onPath(ctx, t, pin); path != "" && !executable(b.target) {
			b.target = path
		}
		s.builds = append(s.builds, b)
		s.ready[t.Name] = make(chan struct{})
	}
	return s, nil
}

// Found returns the program of a server that need not be built, or nothing.
func (s *Servers) Found(name string) string {
	for _, b := range s.builds {
		if b.Name == name && executable(b.target) {
			return b.target
		}
	}
	return ""
}

// Missing lists the servers that have to be built.
func (s *Servers) Missing() []Tool {
	var missing []Tool
	for _, b := range s.builds {
		if !executable(b.target) {
			missing = append(missing, b.Tool)
		}
	}
	return missing
}

// Build builds what is missing, in the background. A build that was broken off is
// taken up by running Build again: Go keeps what it compiled.
func (s *Servers) Build(ctx context.Context, report Report) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	missing := s.Missing()
	p := newProgress(missing, report)
	if len(missing) > 0 {
		report("building %s from source, once: about %.0f minutes on %d cores",
			names(missing), Minutes(missing, runtime.NumCPU()), runtime.NumCPU())
	}
	go func() {
		defer close(s.done)
		stop := p.tell()
		defer stop()
		turn := 0
		for _, b := range s.builds {
			if executable(b.target) {
				close(s.ready[b.Name])
				continue
			}
			b.nice, b.progress = turn*yield, p
			turn++
			group.Go(func() error { return s.build(ctx, b, report) })
		}
		s.err = group.Wait()
	}()
}

func (s *Servers) build(ctx context.Context, b *one, report Report) error {
	start := time.Now()
	if err := b.locked(ctx); err != nil {
		return err
	}
	b.progress.built(b.Name)
	report("%-24s built %s in %s", b.Name, b.pin.Version, since(start))
	close(s.ready[b.Name])
	return nil
}

// Path waits until a server is there, and returns its program.
func (s *Servers) Path(ctx context.Context, name string) (string, error) {
	select {
	case <-s.ready[name]:
	case <-s.done:
		if s.err != nil {
			return "", fmt.Errorf("%s is not there: %w", name, s.err)
		}
	case <-ctx.Done():
		return "", ctx.Err()
	}
	for _, b := range s.builds {
		if b.Name == name {
			return b.target, nil
		}
	}
	return "", fmt.Errorf("no server is named %q", name)
}

// Wait waits until nothing is built any more, and says what failed.
func (s *Servers) Wait() error {
	<-s.done
	return s.err
}

// cachePath is tools/<name>-<version>-<digest of all that decides about it>/<name>.
func cachePath(l layout.Layout, t Tool, pin Pin) string {
	dir := fmt.Sprintf("%s-%s-%.12s", t.Name, pin.Version, pin.Digest)
	return filepath.Join(l.Cache, "tools", dir, t.Name)
}

// onPath returns the program on PATH when its version fits the pin.
func onPath(ctx context.Context, t Tool, pin Pin) string {
	path, err := exec.LookPath(t.Name)
	if err != nil || !fits(ctx, path, t, pin) {
		return ""
	}
	return path
}

// fits reports whether a program says that it is of a version that can stand for the pin.
func fits(ctx context.Context, path string, t Tool, pin Pin) bool {
	out, err := exec.CommandContext(ctx, path, t.VersionArgs...).CombinedOutput()
	if err != nil {
		return false
	}
	found := versionPattern.FindSubmatch(out)
	return found != nil && Fits(string(found[1]), pin.Version)
}

func names(tools []Tool) string {
	var all []string
	for _, t := range tools {
		all = append(all, t.Name)
	}
	return strings.Join(all, ", ")
}
