// Package evacuate empties servers that an operator drains of those functions which
// Nomad would leave there: the only instance of a group. All others Nomad moves by
// itself (see jobs.Stays). What cannot be moved stays until the deadline of the drain,
// at which Nomad moves it.
package evacuate

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
	"fngen.dev/fngen/pkg/panics"
	"fngen.dev/fngen/pkg/store"
)

const (
	// interval is the wait before servers are looked at again, when a project was busy
	// with another change, or Nomad could not be asked.
	interval = 2 * time.Second
	// atOnce is in how many projects something is moved at a time.
	atOnce = 4
	// RetryAfter is the wait before a function that did not come up elsewhere
	// is tried once more. A push that repairs it moves it, too.
	RetryAfter = 10 * time.Minute
)

// Nodes tells which servers are drained, as package nomad has it.
type Nodes interface {
	Drains(ctx context.Context, index uint64) (drains []nomad.Drain, next uint64, err error)
	On(ctx context.Context, node string) ([]nomad.Place, error)
}

// Projects lists the projects of the platform.
type Projects interface {
	AllProjects(ctx context.Context) ([]store.Project, error)
}

// Relocation is a job of a project that is to leave a server, on which the one
// instance of some of its groups is.
type Relocation struct {
	Off     nomad.Drain
	Project store.Project
	Job     string
}

// StuckError says why a job cannot be moved now. It may be another time.
type StuckError struct{ Reason string }

func (e *StuckError) Error() string { return e.Reason }

// Relocate moves one job. stuck says that it could not be moved when it was tried
// last. The error is a *StuckError when it still cannot, and a problem with the code
// api.Busy while another change of its project goes on.
type Relocate func(ctx context.Context, r Relocation, stuck bool) error

// Servers empties drained servers.
type Servers struct {
	nodes    Nodes
	projects Projects
	relocate Relocate
	log      *slog.Logger

	mu sync.Mutex
	// warned are those of which the log says already that they are stuck.
	warned map[Relocation]bool
	// notBefore is when those that failed are tried again.
	notBefore map[Relocation]time.Time
}

// New returns what empties servers. Watch begins it.
func New(nodes Nodes, projects Projects, relocate Relocate, log *slog.Logger) *Servers {
	return &Servers{
		nodes: nodes, projects: projects, relocate: relocate, log: log,
		warned: map[Relocation]bool{}, notBefore: map[Relocation]time.Time{},
	}
}

// Watch moves what can be moved, until ctx ends: in rounds, one when something about the
// nodes changes, and then every few seconds for as long as a server is drained.
func (s *Servers) Watch(ctx context.Context) {
	var index uint64
	for ctx.Err() == nil {
		drains, next, err := s.nodes.Drains(ctx, index)
		busy := false
		if err == nil {
			err = panics.Do(func() (err error) { busy, err = s.round(ctx, drains); return err })
		}
		if err != nil && ctx.Err() == nil {
			s.log.Warn("look for servers to empty", slog.Any("error", err))
		}
		if index = next; err != nil || busy {
			index = 0 // ask at once
			select {
			case <-ctx.Done():
			case <-time.After(interval):
			}
		}
	}
}

// round moves what can be moved now. It reports whether another change of some
// project was in the way.
func (s *Servers) round(ctx context.Context, drains []nomad.Drain) (bool, error) {
	s.forget(drains)
	todo, err := s.todo(ctx, drains)
	if err != nil {
		return false, err
	}
	var busy atomic.Bool
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, ofProject := range todo {
		group.Go(func() error { return panics.Do(func() error { return s.moveAll(ctx, ofProject, &busy) }) })
	}
	err = group.Wait()
	return busy.Load(), err
}

func (s *Servers) moveAll(ctx context.Context, ofProject []Relocation, busy *atomic.Bool) error {
	for _, r := range ofProject {
		if s.move(ctx, r) {
			busy.Store(true)
		}
	}
	return nil
}

// forget drops what is known of drains that are over.
func (s *Servers) forget(drains []nomad.Drain) {
	maps.DeleteFunc(s.warned, func(r Relocation, _ bool) bool { return !slices.Contains(drains, r.Off) })
	maps.DeleteFunc(s.notBefore, func(r Relocation, _ time.Time) bool { return !slices.Contains(drains, r.Off) })
}

// todo lists what runs on drained servers, by project, each job of a server once.
func (s *Servers) todo(ctx context.Context, drains []nomad.Drain) (map[int64][]Relocation, error) {
	out, seen := map[int64][]Relocation{}, map[Relocation]bool{}
	if len(drains) == 0 {
		return out, nil
	}
	projects, err := s.projects.AllProjects(ctx)
	if err != nil {
		return nil, fmt.Errorf("list projects: %w", err)
	}
	byName := map[string]store.Project{}
	for _, p := range projects {
		byName[p.Name] = p
	}
	for _, off := range drains {
		places, err := s.nodes.On(ctx, off.Node)
		if err != nil {
			return nil, err
		}
		for _, at := range places {
			p, ours := byName[at.Namespace]
			r := Relocation{off, p, at.Job}
			if ours && !seen[r] {
				seen[r] = true
				out[p.ID] = append(out[p.ID], r)
			}
		}
	}
	return out, nil
}

// move tries one Relocation, unless it failed a short while ago. It reports
// whether another change of the project was in the way.
func (s *Servers) move(ctx context.Context, r Relocation) (busy bool) {
	s.mu.Lock()
	wait, known := time.Now().Before(s.notBefore[r]), s.warned[r]
	s.mu.Unlock()
	if wait {
		return false
	}
	err := s.relocate(ctx, r, known)
	if p, ok := errors.AsType[*api.Problem](err); ok && p.Code == api.Busy {
		return true
	}
	if err == nil || ctx.Err() != nil {
		return false
	}
	log := s.log.With(slog.String("project", r.Project.Name), slog.String("job", r.Job), slog.String("server", r.Off.Name))
	s.mu.Lock()
	defer s.mu.Unlock()
	if stuck, ok := errors.AsType[*StuckError](err); ok {
		if !known {
			log.Warn("a function stays on a server that is drained", slog.String("reason", stuck.Reason))
		}
		s.warned[r] = true
		return false
	}
	log.Warn("a function did not come up on another server and stays on one that is drained",
		slog.Any("error", err), slog.String("again_in", RetryAfter.String()))
	s.notBefore[r] = time.Now().Add(RetryAfter)
	return false
}
