// Package rollout has the jobs of a release run in the place of those that are live, and
// makes them what they were when one of them does not come up.
//
// Whoever served still serves until the new instances answer through the router. What is
// told on the way, and why something did not come up, is told here too.
package rollout

import (
	"context"
	"fmt"
	"log/slog"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/imports"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/power"
	"fngen.dev/fngen/pkg/deploy/router"
	"fngen.dev/fngen/pkg/deploy/turns"
	"fngen.dev/fngen/pkg/deploy/waves"
	"fngen.dev/fngen/pkg/panics"
)

// Scheduler is what a rollout needs of Nomad.
type Scheduler interface {
	Placing
	Stop(ctx context.Context, namespace, id string) error
	RunBatch(ctx context.Context, job *nomadapi.Job, source []byte, observer nomad.BatchObserver) error
	Address(ctx context.Context, namespace, allocation string) (string, error)
	ReadFile(ctx context.Context, namespace, allocation, path string, limit int64) ([]byte, error)
}

// Placing brings a job up: asked about, registered, followed.
type Placing interface {
	Plan(ctx context.Context, job *nomadapi.Job) (nomad.Plan, error)
	Room(ctx context.Context, namespace string) (nomad.Room, error)
	Settle(ctx context.Context, namespace string) (waited bool, err error)
	Place(ctx context.Context, job *nomadapi.Job, index uint64, source []byte) (deployment string, err error)
	Follow(ctx context.Context, job *nomadapi.Job, deployment string, observer nomad.Observer) (nomad.Rollout, error)
}

// Rollout is one change of what runs of a project.
type Rollout struct {
	Nomad   Scheduler
	Router  *router.Router
	Cluster jobs.Cluster
	Log     *slog.Logger
	// Project is its name, which is its namespace in Nomad.
	Project string
	// Emit tells what happens.
	Emit func(api.Event)
	// Code opens the code that is to be live, which says where a fault is. When that cannot
	// be, the tree is empty.
	Code func(context.Context) (imports.Input, error)

	// IR is what is to be live.
	IR *ir.Project
	// LiveNumber is the release that was live before, 0 for none, LiveIR what it meant, and
	// LiveJobs are its jobs by id. Removed are the jobs that have no function any more,
	// until they are stopped.
	LiveNumber int
	LiveIR     *ir.Project
	LiveJobs   map[string]*nomadapi.Job
	Removed    []string

	// Turn is its turn among others that look for room; nil for one that waits for
	// nobody.
	Turn *turns.Turn

	// crew are the jobs that come up at this moment.
	crew waves.Crew
}

// Phase tells that a step begins or goes on.
func (r *Rollout) Phase(name, format string, args ...any) {
	r.Emit(api.Event{Phase: &api.Phase{Name: name, Message: fmt.Sprintf(format, args...)}})
}

// rollJobs makes jobs run in the place of those before, in stages that each wait
// for the one before:
//
//  1. All come up, as many at the same time as there is room for, and each answers
//     at a host of its own. Until then whoever served still serves, or has another in
//     its place, so that all can go back.
//  2. The removed ones are stopped, unless that was needed to make room.
//  3. What runs in an interim form, since it kept something for others until they
//     were up, is made what it is to be.
//  4. Only now is a host that was another function's the new one's alone, and all
//     are asked at the first of theirs.
func (r *Rollout) rollJobs(ctx context.Context, ordered []*nomadapi.Job) error {
	steps := make([]*step, len(ordered))
	for i, job := range ordered {
		steps[i] = r.newStep(job)
	}
	err := r.bringUp(ctx, ordered, steps)
	if err == nil {
		err = r.stopRemoved(ctx)
	}
	if err == nil {
		err = panics.Each(ctx, steps, r.finish)
	}
	if err == nil {
		err = panics.Each(ctx, steps, func(ctx context.Context, s *step) error {
			return r.Answers(ctx, s.f, power.Of(s.f).FirstHost(), s.allocations)
		})
	}
	return r.explained(ctx, err, steps)
}

// bringUp is the first stage. When one job does not come up the others are left as
// they are at that moment.
func (r *Rollout) bringUp(ctx context.Context, ordered []*nomadapi.Job, steps []*step) error {
	sequence := []waves.Wave{{Jobs: len(steps)}}
	if len(steps) > 1 {
		jobs, err := r.Plans(ctx, ordered)
		if err != nil {
			return err
		}
		if sequence, err = r.Waves(ctx, jobs); err != nil {
			return err
		}
	}
	told := &tally{Rollout: r, of: len(steps)}
	return r.crew.BringUp(ctx, sequence, waves.AtOnce(r.IR), func(ctx context.Context, i int) (waves.Rest, error) { return r.begin(ctx, steps[i], told) }, r.settled)
}

// settled waits until what was told to stop has ended, which makes room for so many
// jobs.
func (r *Rollout) settled(ctx context.Context, jobs int) error {
	r.Phase("rollout", "making room for %s", nextOnes(jobs))
	_, err := r.Nomad.Settle(ctx, r.Project)
	return err
}

func nextOnes(n int) string {
	if n == 1 {
		return "the next one"
	}
	return fmt.Sprintf("the next %d", n)
}

// Planned is a job with what Nomad says to it when it is asked about it alone.
type Planned struct {
	Job  *nomadapi.Job
	Plan nomad.Plan
}

// Plans asks Nomad about each of a list of jobs.
func (r *Rollout) Plans(ctx context.Context, list []*nomadapi.Job) ([]Planned, error) {
	out := make([]Planned, len(list))
	return out, panics.EachAt(ctx, list, func(ctx context.Context, i int, job *nomadapi.Job) error {
		plan, err := r.Nomad.Plan(ctx, job)
		out[i] = Planned{job, plan}
		return err
	})
}

// Waves tells which jobs of an order come up together.
func (r *Rollout) Waves(ctx context.Context, order []Planned) ([]waves.Wave, error) {
	room, err := r.Nomad.Room(ctx, r.Project)
	if err != nil {
		return nil, err
	}
	var demands []waves.Demand
	for _, job := range order {
		demands = append(demands, waves.DemandOf(job.Job, job.Plan.Groups, room.Held))
	}
	return waves.Of(demands, room), nil
}

// OldFirst puts the jobs that run already before the new ones: a new function
// makes the share of each smaller, so that only then there may be room for it.
func (r *Rollout) OldFirst(lowered []*nomadapi.Job) []*nomadapi.Job {
	var old, added []*nomadapi.Job
	for _, job := range lowered {
		if _, runs := r.LiveJobs[*job.ID]; runs {
			old = append(old, job)
		} else {
			added = append(added, job)
		}
	}
	return append(old, added...)
}

// stopRemoved stops the jobs of functions that are gone, by their exact ids.
func (r *Rollout) stopRemoved(ctx context.Context) error {
	err := panics.Each(ctx, r.Removed, func(ctx context.Context, id string) error {
		r.Phase("rollout", "stopping %s", id)
		return r.Nomad.Stop(ctx, r.Project, id)
	})
	if err == nil {
		r.Removed = nil
	}
	return err
}
