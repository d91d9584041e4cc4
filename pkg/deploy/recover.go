package deploy

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// recoverInterval is the wait before an interrupted change is tried to be undone
// once more, as long as Nomad cannot be reached.
const recoverInterval = 5 * time.Second

// interruptedReason is what the history says of a release that its control plane
// did not finish.
const interruptedReason = "the control plane stopped during this push; what ran before was put back"

// Recover goes back to the live release of every project whose push or rollback
// a stopped control plane left half done. It is called once, before serving; the
// work goes on beside, with those projects reserved until it is done.
func (s *Service) Recover(ctx context.Context) error {
	pending, err := s.store.PendingReleases(ctx)
	if err != nil {
		return fmt.Errorf("list pending releases: %w", err)
	}
	if len(pending) == 0 {
		return nil
	}
	projects, err := s.store.AllProjects(ctx)
	if err != nil {
		return fmt.Errorf("list projects: %w", err)
	}
	for _, p := range projects {
		var left []store.Release
		for _, r := range pending {
			if r.ProjectID == p.ID {
				left = append(left, r)
			}
		}
		if len(left) > 0 {
			s.undo(p, left)
		}
	}
	return nil
}

// undo goes back in a project until that has worked.
func (s *Service) undo(p store.Project, left []store.Release) {
	actor := store.Actor{Email: "fngend"}
	unlock, _ := s.lock(p.ID, "going back after the platform was stopped during a push")
	s.changes.Go(func() {
		defer unlock()
		for {
			c := &change{Service: s, actor: actor, project: p, emit: func(api.Event) {}}
			err := c.undoAll(s.closing, left)
			if err == nil {
				return
			}
			s.log.Error("undo an interrupted push", slog.String("project", p.Name), slog.Any("error", err))
			select {
			case <-s.closing.Done():
				return
			case <-time.After(recoverInterval):
			}
		}
	})
}

func (c *change) undoAll(ctx context.Context, left []store.Release) error {
	if err := c.readLive(ctx); err != nil {
		return err
	}
	for _, r := range left {
		lowered, err := decodeJobs(r.Jobs)
		if err != nil {
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
	}
	return nil
}
