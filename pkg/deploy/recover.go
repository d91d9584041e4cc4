package deploy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/deploy/jobset"
	"fngen.dev/fngen/pkg/deploy/power"
	"fngen.dev/fngen/pkg/store"
)

// undoInterval is the wait before an interrupted change is tried to be undone once
// more: until the lock of the control plane that died has run out, and for as long
// as Nomad cannot be reached. It doubles each time, up to longestUndoInterval.
const (
	undoInterval        = 2 * time.Second
	longestUndoInterval = 10 * time.Second
)

// goingBack is what a control plane says of itself while it undoes something.
const goingBack = "going back after an interrupted change"

// interruptedReason is what the history says of a release that its control plane
// did not finish.
const interruptedReason = "the control plane stopped during this push; what ran before was put back"

// Recover goes back to the live release of every project of which a change was left
// half done: by a control plane that stopped, or that could not undo it. It is
// called once, before serving; the work goes on beside.
func (s *Service) Recover(ctx context.Context) error {
	left, err := s.unfinished(ctx)
	if err != nil || len(left) == 0 {
		return err
	}
	projects, err := s.store.AllProjects(ctx)
	if err != nil {
		return fmt.Errorf("list projects: %w", err)
	}
	for _, p := range projects {
		if left[p.ID] {
			s.undoLater(p)
		}
	}
	return nil
}

// quiet is a change of a project by the platform itself, to which nobody listens.
func (s *Service) quiet(p store.Project) *change {
	c := s.newChange(p)
	c.actor = store.Actor{Email: "fngend"}
	return c
}

// undoLeft undoes what an earlier change of the project has left half done. The
// store says so: releases are pending or interrupted, jobs are being relocated, and
// nobody is at it.
func (c *change) undoLeft(ctx context.Context) error {
	left, err := c.store.UnfinishedReleases(ctx)
	if err != nil {
		return fmt.Errorf("list unfinished releases: %w", err)
	}
	for _, r := range left {
		if r.ProjectID != c.project.ID {
			continue
		}
		if err := c.undo(ctx, r); err != nil {
			if c.closing.Err() == nil {
				c.interrupted(ctx, c, r.Number, whyFailed(r), err)
			}
			if _, notUp := errors.AsType[*nomad.Failure](err); !c.mayReplace || !notUp {
				return err
			}
			c.replaces = append(c.replaces, r)
		}
	}
	return c.undoRelocations(ctx)
}

func (c *change) undo(ctx context.Context, r store.Release) error {
	defer c.alsoTold(r)()
	c.Phase("rollout", "undoing release %d, which was interrupted", r.Number)
	if err := c.readLive(ctx); err != nil {
		return err
	}
	if err := c.ensureNamespace(ctx, c.project); err != nil {
		return err
	}
	lowered, err := jobset.Decode(r.Jobs)
	if err != nil {
		return err
	}
	if err := c.stopCommands(ctx, r); err != nil {
		return err
	}
	if err := c.PutBack(ctx, lowered); err != nil && !c.IsBack(ctx) {
		return err
	}
	if err := c.settle(ctx, r); err != nil {
		return fmt.Errorf("settle release %d: %w", r.Number, err)
	}
	c.log.Warn("undid an interrupted change", slog.String("project", c.project.Name), slog.Int("release", r.Number))
	return nil
}

// stopCommands stops the release commands of a push that was interrupted. They are not
// among the jobs of the release; its resolved project says which there are.
func (c *change) stopCommands(ctx context.Context, r store.Release) error {
	project, err := decodeIR(r)
	if err != nil {
		return err
	}
	for _, f := range project.Functions {
		if power.Of(f).Command == "" {
			continue
		}
		if err := c.nomad.Stop(ctx, c.project.Name, jobs.CommandID(f)); err != nil {
			return err
		}
	}
	return nil
}

// A release that failed cannot be undone when what was live before does not come up
// any more, for example because a database has changed for good. Nomad then goes back
// to what was well last, which is the release that failed, and trying again does not
// help. A push or a rollback takes the place of all of it, job by job.

// toRemove are the jobs that a change has no function for: of what was live, and of
// the releases that it takes the place of.
func (c *change) toRemove(lowered []*nomadapi.Job) []string {
	out := jobset.Missing(c.LiveJobs, lowered)
	for _, r := range c.replaces {
		jobs, err := jobset.Decode(r.Jobs)
		if err != nil {
			c.log.Error("read the jobs of an interrupted release", slog.String("project", c.project.Name), slog.Int("release", r.Number), slog.Any("error", err))
			continue
		}
		out = append(out, jobset.Missing(jobset.ByID(jobs), lowered)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// settleOver notes that nothing is left of the releases that a change has taken the
// place of. Where that cannot be noted now it is found out later.
func (c *change) settleOver(ctx context.Context) {
	for _, r := range c.replaces {
		if err := c.settle(ctx, r); err != nil {
			c.log.Warn("settle an interrupted release", slog.String("project", c.project.Name), slog.Int("release", r.Number), slog.Any("error", err))
			defer c.undoLater(c.project)
		}
	}
	c.replaces = nil
}

// settle notes that a release is undone.
func (c *change) settle(ctx context.Context, r store.Release) error {
	state, reason := store.Failed, whyFailed(r)
	if !r.LiveAt.IsZero() {
		state, reason = store.Superseded, ""
	}
	return c.store.SetReleaseState(ctx, c.actor, c.project.ID, r.Number, state, reason)
}
