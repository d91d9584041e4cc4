package deploy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

const (
	// drainInterval is the wait before a server is looked at again of which
	// something could not be moved since its project was busy, or since Nomad could
	// not be asked.
	drainInterval = 2 * time.Second
	// relocationsAtOnce is in how many projects something is moved at a time.
	relocationsAtOnce = 4
	// relocationPause is the wait before a function that did not come up elsewhere
	// is tried once more. A push that repairs it moves it, too.
	relocationPause = 10 * time.Minute
)

// EmptyServers moves functions with one instance off the servers that an operator
// drains, until Stop. All others Nomad moves by itself (see jobs.Stays). What
// cannot be moved stays until the deadline of the drain, at which Nomad moves it.
func (s *Service) EmptyServers() {
	d := &drains{Service: s, warned: map[relocation]bool{}, notBefore: map[relocation]time.Time{}}
	s.changes.Go(func() { d.watch(s.closing) })
}

// drains empties servers in rounds: one when something about the nodes changes,
// and then every few seconds for as long as a server is drained.
type drains struct {
	*Service

	mu sync.Mutex
	// warned are those of which the log says already that they are stuck.
	warned map[relocation]bool
	// notBefore is when those that failed are tried again.
	notBefore map[relocation]time.Time
}

func (d *drains) watch(ctx context.Context) {
	var index uint64
	for ctx.Err() == nil {
		drains, next, err := d.nomad.Drains(ctx, index)
		busy := false
		if err == nil {
			err = guarded(func() (err error) { busy, err = d.round(ctx, drains); return err })
		}
		if err != nil && ctx.Err() == nil {
			d.log.Warn("look for servers to empty", slog.Any("error", err))
		}
		if index = next; err != nil || busy {
			index = 0 // ask at once
			pause(ctx, drainInterval)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// round moves what can be moved now. It reports whether another change of some
// project was in the way.
func (d *drains) round(ctx context.Context, drains []nomad.Drain) (bool, error) {
	d.forget(drains)
	todo, err := d.todo(ctx, drains)
	if err != nil {
		return false, err
	}
	var busy atomic.Bool
	var group errgroup.Group
	group.SetLimit(relocationsAtOnce)
	for _, ofProject := range todo {
		group.Go(func() error { return guarded(func() error { return d.moveAll(ctx, ofProject, &busy) }) })
	}
	return busy.Load(), group.Wait()
}

func (d *drains) moveAll(ctx context.Context, ofProject []relocation, busy *atomic.Bool) error {
	for _, r := range ofProject {
		if d.move(ctx, r) {
			busy.Store(true)
		}
	}
	return nil
}

// forget drops what is known of drains that are over.
func (d *drains) forget(drains []nomad.Drain) {
	maps.DeleteFunc(d.warned, func(r relocation, _ bool) bool { return !slices.Contains(drains, r.off) })
	maps.DeleteFunc(d.notBefore, func(r relocation, _ time.Time) bool { return !slices.Contains(drains, r.off) })
}

// todo lists what runs on drained servers, by project, each job of a server once.
func (d *drains) todo(ctx context.Context, drains []nomad.Drain) (map[int64][]relocation, error) {
	out, seen := map[int64][]relocation{}, map[relocation]bool{}
	if len(drains) == 0 {
		return out, nil
	}
	projects, err := d.store.AllProjects(ctx)
	if err != nil {
		return nil, fmt.Errorf("list projects: %w", err)
	}
	byName := map[string]store.Project{}
	for _, p := range projects {
		byName[p.Name] = p
	}
	for _, off := range drains {
		places, err := d.nomad.On(ctx, off.Node)
		if err != nil {
			return nil, err
		}
		for _, at := range places {
			p, ours := byName[at.Namespace]
			r := relocation{off, p, at.Job}
			if ours && !seen[r] {
				seen[r] = true
				out[p.ID] = append(out[p.ID], r)
			}
		}
	}
	return out, nil
}

// move tries one relocation, unless it failed a short while ago. It reports
// whether another change of the project was in the way.
func (d *drains) move(ctx context.Context, r relocation) (busy bool) {
	d.mu.Lock()
	wait, known := time.Now().Before(d.notBefore[r]), d.warned[r]
	d.mu.Unlock()
	if wait {
		return false
	}
	err := d.relocate(ctx, r, known)
	if p, ok := errors.AsType[*api.Problem](err); ok && p.Code == api.Busy {
		return true
	}
	if err == nil || ctx.Err() != nil {
		return false
	}
	log := d.log.With(slog.String("project", r.project.Name), slog.String("job", r.job), slog.String("server", r.off.Name))
	d.mu.Lock()
	defer d.mu.Unlock()
	if stuck, ok := errors.AsType[*stuckError](err); ok {
		if !known {
			log.Warn("a function stays on a server that is drained", slog.String("reason", stuck.reason))
		}
		d.warned[r] = true
		return false
	}
	log.Warn("a function did not come up on another server and stays on one that is drained",
		slog.Any("error", err), slog.String("again_in", relocationPause.String()))
	d.notBefore[r] = time.Now().Add(relocationPause)
	return false
}
