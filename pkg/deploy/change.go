package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/deploy/history"
	"fngen.dev/fngen/pkg/deploy/jobset"
	"fngen.dev/fngen/pkg/deploy/power"
	"fngen.dev/fngen/pkg/deploy/prepare"
	"fngen.dev/fngen/pkg/deploy/rollout"
	"fngen.dev/fngen/pkg/lock"
	"fngen.dev/fngen/pkg/panics"
	"fngen.dev/fngen/pkg/store"
)

// change is one change of what a project runs, under way: a push, or a rollback.
type change struct {
	*Service
	actor   store.Actor
	project store.Project
	// Rollout is how its jobs come up. What is to be live, and what was, is there.
	*rollout.Rollout

	// release is what is to be live, and liveRelease what was before, nil for nothing.
	release     jobs.Release
	liveRelease *store.Release
	result      api.PushResult
	// history keeps what happens with the release.
	history *history.Recorder

	// mayReplace says that the change may take the place of releases that cannot be
	// undone, and replaces are those of which it does.
	mayReplace bool
	replaces   []store.Release

	// tree is there once openTree was called.
	tree     source.Tree
	blobView *blob.View
	// damaged says that something of the opened tree is lost.
	damaged *atomic.Bool
}

// newChange is a change of a project of which nothing is known yet.
func (s *Service) newChange(p store.Project) *change {
	c := &change{Service: s, project: p, history: history.New(s.store, s.log, p.ID)}
	c.Rollout = &rollout.Rollout{
		Nomad: s.nomad, Router: s.cfg.Router, Cluster: s.cfg.Cluster, Log: s.log,
		Project: p.Name, Emit: func(api.Event) {}, Code: c.code,
	}
	return c
}

// preparation is what comes before the jobs of the change start.
func (c *change) preparation() *prepare.Preparation {
	return &prepare.Preparation{Rollout: c.Rollout, Release: c.release, Servers: c.nomad, Has: c.hasLayer}
}

// takeTurns has a change be one of those that wait for each other, until leave.
func (c *change) takeTurns() (leave func()) {
	var kinds []string
	for _, s := range c.IR.Servers {
		kinds = append(kinds, s.Size+" "+s.Region)
	}
	c.Turn = c.turns.Take(kinds)
	return func() {
		c.Turn.Leave()
		c.Turn = nil
	}
}

// start runs a change. What happens is told on the channel, which is closed after
// a Done or Failed event. The change goes on when ctx ends: from then on nobody
// listens.
func (s *Service) start(ctx context.Context, actor store.Actor, project store.Project, run func(context.Context, *change) error) <-chan api.Event {
	events := make(chan api.Event)
	c := s.newChange(project)
	c.actor, c.mayReplace = actor, true
	c.Emit = c.told(func(e api.Event) {
		select {
		case events <- e:
		case <-ctx.Done(): // nobody listens any more
		}
	})
	s.changes.Go(func() {
		defer close(events)
		defer c.history.End()
		err := panics.Do(func() error { return run(s.closing, c) })
		s.logPanic(project, err)
		if closeErr := c.closeTree(); closeErr != nil {
			s.log.Warn("close tree", slog.Any("error", closeErr))
		}
		if err != nil {
			c.Emit(api.Event{Failed: s.problem(project, err)})
			return
		}
		c.Emit(api.Event{Done: &c.result})
	})
	return events
}

// locked does something while nobody else changes the project. What an earlier
// change has left half done is undone first. When this one ends with an error, what
// it leaves half done is undone in the background.
func (c *change) locked(ctx context.Context, what string, do func(context.Context) error) error {
	held, err := c.acquire(ctx, c.project, what+" by "+c.actor.Email, func(holder string) { c.Phase("rollout", "another change goes first: %s", holder) })
	if err != nil {
		return err
	}
	if err = c.holding(held.Context(), do); err != nil {
		c.leftOpen(held.Context(), err)
	}
	held.Release()
	if err != nil {
		c.undoLater(c.project)
	}
	return err
}

func (c *change) holding(ctx context.Context, do func(context.Context) error) error {
	err := panics.Do(func() error {
		if err := c.undoLeft(ctx); err != nil {
			return err
		}
		return do(ctx)
	})
	if errors.Is(context.Cause(ctx), lock.ErrLost) {
		c.log.Error("lock lost", slog.String("project", c.project.Name), slog.Any("error", context.Cause(ctx)))
		return api.NewProblem(api.Failed, "the platform lost its hold on project %q, since Consul did not answer it", c.project.Name).
			WithHelp("try again: what was begun is undone first")
	}
	return err
}

// A relocation that holds a project says so by movingOff. Others try for the lock
// again each relocationWait.
const (
	movingOff      = "moving functions off server "
	relocationWait = time.Second
)

// acquire reserves a project for one change at a time. It waits for a relocation,
// since nobody who pushes has asked for one, and tells once that it waits.
func (s *Service) acquire(ctx context.Context, p store.Project, what string, waiting func(holder string)) (Lock, error) {
	held, err := s.locks.Acquire(ctx, strconv.FormatInt(p.ID, 10), what)
	other, taken := errors.AsType[*lock.HeldError](err)
	for told := false; taken && strings.HasPrefix(other.Holder, movingOff); told = true {
		if !told {
			waiting(other.Holder)
		}
		pause(ctx, relocationWait)
		held, err = s.locks.Acquire(ctx, strconv.FormatInt(p.ID, 10), what)
		other, taken = errors.AsType[*lock.HeldError](err)
	}
	if taken {
		return nil, api.NewProblem(api.Busy, "project %q is busy with %s", p.Name, other.Holder).WithHelp("wait for it to end, then try again")
	}
	if err != nil {
		return nil, fmt.Errorf("lock project %q: %w", p.Name, err)
	}
	return held, nil
}

func (c *change) readLive(ctx context.Context) error {
	c.liveRelease, c.LiveNumber, c.LiveIR, c.LiveJobs = nil, 0, nil, nil
	live, err := c.store.LiveRelease(ctx, c.project.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read live release: %w", err)
	}
	if c.LiveIR, err = decodeIR(live); err != nil {
		return err
	}
	ran, err := jobset.Decode(live.Jobs)
	c.liveRelease, c.LiveNumber, c.LiveJobs = &live, live.Number, jobset.ByID(ran)
	return err
}

// unchanged reports whether what is pushed is live already, and running: the
// jobs of the live release are what this tree lowers to, and Nomad would do
// nothing if they were registered again.
func (c *change) unchanged(ctx context.Context) (bool, error) {
	if err := c.readLive(ctx); err != nil {
		return false, err
	}
	var err error
	if c.release.Env, err = c.store.CurrentVariables(ctx, c.project.ID); err != nil || c.liveRelease == nil {
		return false, err
	}
	c.release.Number = c.liveRelease.Number
	lowered, err := c.lower()
	if err != nil {
		return false, err
	}
	text, err := jobset.Encode(lowered)
	if err != nil || text != string(c.liveRelease.Jobs) {
		return false, err
	}
	if made, err := c.allMade(ctx); err != nil || !made {
		return false, err
	}
	plans, err := c.Plans(ctx, lowered)
	if err != nil || slices.ContainsFunc(plans, func(p rollout.Planned) bool { return p.Plan.Changed }) {
		return false, err
	}
	c.done(false)
	return true, nil
}

// lower makes the jobs of the release. What cannot be one was refused by the
// compiler, unless another program made it.
func (c *change) lower() ([]*nomadapi.Job, error) {
	lowered, err := jobs.Lower(c.IR, c.release, c.cfg.Cluster)
	if err != nil {
		return nil, api.NewProblem(api.Refused, "what the code means cannot be made into jobs: %v", err)
	}
	return lowered, nil
}

// apply makes the jobs of the release run instead of those before. When one does
// not come up, all go back to what they were, and the release becomes undone.
func (c *change) apply(ctx context.Context, lowered []*nomadapi.Job, undone store.ReleaseState) error {
	begin := time.Now()
	if err := panics.Do(func() error { return c.Run(ctx, lowered, c.toRemove(lowered)) }); err != nil {
		if back := c.PutBack(ctx, lowered); back != nil {
			if !c.IsBack(ctx) {
				return &notBack{err, back}
			}
			err = errors.Join(err, back)
		}
		return errors.Join(err, c.store.SetReleaseState(ctx, c.actor, c.project.ID, c.release.Number, undone, err.Error()))
	}
	if err := c.store.SetReleaseState(ctx, c.actor, c.project.ID, c.release.Number, store.Live, ""); err != nil {
		return fmt.Errorf("mark release %d live: %w", c.release.Number, err)
	}
	c.result.RolloutMS = millis(begin)
	c.settleOver(ctx)
	c.tag(ctx, lowered)
	c.done(true)
	return nil
}

// tag names what runs now in Nomad, for those who look there. The release does
// not need it: it has all that brings it back.
func (c *change) tag(ctx context.Context, lowered []*nomadapi.Job) {
	name := fmt.Sprintf("release-%d", c.release.Number)
	_ = panics.Each(ctx, lowered, func(ctx context.Context, job *nomadapi.Job) error {
		if err := c.nomad.Tag(ctx, c.project.Name, *job.ID, name, "made live by "+c.actor.Email); err != nil {
			c.log.Warn("tag a job's version", slog.String("project", c.project.Name), slog.Any("error", err))
		}
		return nil
	})
}

// done fills in what the change has made live.
func (c *change) done(changed bool) {
	c.result.Project, c.result.Release, c.result.Changed = c.project.Name, c.release.Number, changed
	c.result.Functions = functionResults(c.IR, c.cfg.Cluster)
}

// decodeIR reads the resolved project of a release.
func decodeIR(r store.Release) (*ir.Project, error) {
	p := new(ir.Project)
	if err := json.Unmarshal(r.IR, p); err != nil {
		return nil, fmt.Errorf("decode release %d: %w", r.Number, err)
	}
	return p, nil
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// functionResults are the functions of a project with their addresses.
func functionResults(p *ir.Project, c jobs.Cluster) []api.FunctionResult {
	out := []api.FunctionResult{}
	for _, f := range p.Functions {
		out = append(out, api.FunctionResult{
			Name: f.Name, Power: string(f.Power), File: f.File, Line: f.Line, URL: power.URL(f, c),
		})
	}
	return out
}
