package deploy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/deploy/evacuate"
	"fngen.dev/fngen/pkg/deploy/jobset"
	"fngen.dev/fngen/pkg/deploy/rollout"
	"fngen.dev/fngen/pkg/store"
)

// relocationLimit is how long a new instance may take to come up on another
// server, as long as in a push.
const relocationLimit = 2 * time.Minute

// EmptyServers moves functions with one instance off the servers that an operator
// drains, until Stop.
func (s *Service) EmptyServers() {
	servers := evacuate.New(s.nomad, s.store, s.relocate, s.log)
	s.changes.Go(func() { servers.Watch(s.closing) })
}

// relocate moves a job off a server while nobody else changes its project: a new
// instance starts elsewhere, and the old one ends when that one is healthy. The
// job runs in an interim form for as long as it takes, and is afterwards what it
// was; the live release stays the live release. Where the job is known to be stuck, it
// is first looked at without the lock, which others may want meanwhile.
func (s *Service) relocate(ctx context.Context, r evacuate.Relocation, known bool) error {
	c := s.quiet(r.Project)
	if form, err := c.away(ctx, r); err == nil && form.Job == nil || err != nil && known {
		return err
	}
	return c.locked(ctx, movingOff+r.Off.Name, func(ctx context.Context) error {
		form, err := c.away(ctx, r)
		if err != nil || form.Job == nil {
			return err // it has moved, or changed, meanwhile
		}
		return c.moveOff(ctx, r, form)
	})
}

// away is the form in which the job leaves the server; none when it has nothing
// there that is the control plane's to move.
func (c *change) away(ctx context.Context, r evacuate.Relocation) (rollout.Fitted, error) {
	if err := c.readLive(ctx); err != nil {
		return rollout.Fitted{}, err
	}
	job, live := c.LiveJobs[r.Job]
	if !live {
		return rollout.Fitted{}, nil
	}
	places, err := c.nomad.On(ctx, r.Off.Node)
	if err != nil {
		return rollout.Fitted{}, err
	}
	groups := evacuate.Staying(job, places)
	if len(groups) == 0 {
		return rollout.Fitted{}, nil
	}
	plan, err := c.nomad.Plan(ctx, job)
	if err != nil {
		return rollout.Fitted{}, err
	}
	if len(plan.Diff) > 0 {
		return rollout.Fitted{}, &evacuate.StuckError{Reason: "somebody changed the job in Nomad; push the project again, or move it by hand"}
	}
	out := rollout.Fitted{Job: jobs.AwayFrom(job, r.Off.Node, groups)}
	if out.Plan, err = c.nomad.Plan(ctx, out.Job); err != nil {
		return rollout.Fitted{}, err
	}
	if len(out.Plan.Unplaced) > 0 {
		return rollout.Fitted{}, &evacuate.StuckError{Reason: "there is no room elsewhere: " + out.Plan.Unplaced[0].Reason}
	}
	return out, nil
}

// moveOff makes the job leave the server. When that fails the job is made what it
// was, and the old instance, which has served meanwhile, stays.
func (c *change) moveOff(ctx context.Context, r evacuate.Relocation, form rollout.Fitted) error {
	begin, row := time.Now(), store.Relocation{ProjectID: c.project.ID, Job: r.Job, Node: r.Off.Name}
	log := c.log.With(slog.String("project", c.project.Name), slog.String("job", r.Job), slog.String("server", r.Off.Name))
	log.Info("moving a function off a server")
	if err := c.store.BeginRelocation(ctx, c.actor, row); err != nil {
		return err
	}
	err := c.startAway(ctx, r, form)
	if err == nil {
		_, _, err = c.Become(ctx, jobset.FunctionOf(c.LiveIR, r.Job), c.LiveJobs[r.Job])
	}
	if err != nil {
		if undo := c.Restore(ctx, c.LiveJobs[r.Job]); undo != nil {
			return errors.Join(err, undo) // the row stays, and undoRelocations tries again
		}
	}
	if err := errors.Join(err, c.store.EndRelocation(ctx, row)); err != nil {
		return err
	}
	log.Info("moved a function off a server", slog.Int64("ms", millis(begin)))
	return nil
}

// startAway registers the job in the form in which it leaves, and returns when the
// new instance answers through the router, and the old one no longer.
func (c *change) startAway(ctx context.Context, r evacuate.Relocation, form rollout.Fitted) error {
	ctx, cancel := context.WithTimeoutCause(ctx, relocationLimit, fmt.Errorf("it was not up elsewhere after %s", relocationLimit))
	defer cancel()
	c.IR = c.LiveIR
	err := c.Start(ctx, jobset.FunctionOf(c.IR, r.Job), form)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

// undoRelocations makes the jobs of the project what the live release says that
// an earlier control plane has left in the form in which they leave a server.
// Nothing that serves is stopped: when the new instance is healthy it has taken
// the old one's place, and until then it is the new one that goes.
func (c *change) undoRelocations(ctx context.Context) error {
	rows, err := c.store.Relocations(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if row.ProjectID != c.project.ID {
			continue
		}
		if err := c.readLive(ctx); err != nil {
			return err
		}
		if job, live := c.LiveJobs[row.Job]; live {
			if err := c.Restore(ctx, job); err != nil {
				return err
			}
		}
		if err := c.store.EndRelocation(ctx, row); err != nil {
			return err
		}
		c.log.Warn("undid an interrupted relocation", slog.String("project", c.project.Name), slog.String("job", row.Job), slog.String("server", row.Node))
	}
	return nil
}
