package deploy

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// recoverInterval is the wait before an interrupted change is tried to be undone
// once more: until the lock of the control plane that died has run out, and for
// as long as Nomad cannot be reached.
const recoverInterval = 2 * time.Second

// interruptedReason is what the history says of a release that its control plane
// did not finish.
const interruptedReason = "the control plane stopped during this push; what ran before was put back"

// Recover goes back to the live release of every project whose push, rollback or
// relocation a stopped control plane left half done. It is called once, before
// serving; the work goes on beside.
func (s *Service) Recover(ctx context.Context) error {
	left, err := s.halfDone(ctx)
	if err != nil || len(left) == 0 {
		return err
	}
	projects, err := s.store.AllProjects(ctx)
	if err != nil {
		return fmt.Errorf("list projects: %w", err)
	}
	for _, p := range projects {
		if left[p.ID] {
			s.changes.Go(func() { s.recover(p) })
		}
	}
	return nil
}

// halfDone are the projects, by id, of which the store says that something is
// under way.
func (s *Service) halfDone(ctx context.Context) (map[int64]bool, error) {
	pending, err := s.store.PendingReleases(ctx)
	if err != nil {
		return nil, fmt.Errorf("list pending releases: %w", err)
	}
	relocations, err := s.store.Relocations(ctx)
	if err != nil {
		return nil, err
	}
	out := map[int64]bool{}
	for _, r := range pending {
		out[r.ProjectID] = true
	}
	for _, r := range relocations {
		out[r.ProjectID] = true
	}
	return out, nil
}

// quiet is a change of a project by the platform itself, to which nobody listens.
func (s *Service) quiet(p store.Project) *change {
	return &change{Service: s, actor: store.Actor{Email: "fngend"}, project: p, emit: func(api.Event) {}}
}

// recover undoes what is half done in a project, until that has worked.
func (s *Service) recover(p store.Project) {
	c := s.quiet(p)
	for {
		// locked undoes it; there is nothing to do besides.
		err := c.locked(s.closing, "going back after an interrupted change", func(context.Context) error { return nil })
		if err == nil {
			return
		}
		s.log.Warn("undo an interrupted change", slog.String("project", p.Name), slog.Any("error", err))
		select {
		case <-s.closing.Done():
			return
		case <-time.After(recoverInterval):
		}
	}
}

// undoLeft undoes what an earlier change of the project has left half done. The
// store says so: releases are pending, jobs are being relocated, and nobody is at
// it.
func (c *change) undoLeft(ctx context.Context) error {
	pending, err := c.store.PendingReleases(ctx)
	if err != nil {
		return fmt.Errorf("list pending releases: %w", err)
	}
	for _, r := range pending {
		if r.ProjectID != c.project.ID {
			continue
		}
		if err := c.undo(ctx, r); err != nil {
			return err
		}
	}
	return c.undoRelocations(ctx)
}

func (c *change) undo(ctx context.Context, r store.Release) error {
	c.phase("rollout", "undoing release %d, which was interrupted", r.Number)
	if err := c.readLive(ctx); err != nil {
		return err
	}
	lowered, err := decodeJobs(r.Jobs)
	if err != nil {
		return err
	}
	if err := c.stopCommands(ctx, r); err != nil {
		return err
	}
	if err := c.putBack(ctx, lowered); err != nil {
		return err
	}
	state, reason := store.Failed, interruptedReason
	if !r.LiveAt.IsZero() {
		state, reason = store.Superseded, ""
	}
	if err := c.store.SetReleaseState(ctx, c.actor, c.project.ID, r.Number, state, reason); err != nil {
		return fmt.Errorf("settle release %d: %w", r.Number, err)
	}
	c.log.Warn("undid an interrupted change", slog.String("project", c.project.Name), slog.Int("release", r.Number))
	return nil
}

// stopCommands stops the release command during which a push was interrupted.
// They are none of the jobs of the release, and the row says which there are.
func (c *change) stopCommands(ctx context.Context, r store.Release) error {
	project, err := decodeIR(r)
	if err != nil {
		return err
	}
	for _, f := range project.Functions {
		if f.WebApp == nil || f.WebApp.Release == "" {
			continue
		}
		if err := c.nomad.Stop(ctx, c.project.Name, jobs.CommandID(f)); err != nil {
			return err
		}
	}
	return nil
}
