package nomad

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/nomad/api"
)

// certainty is after how many crashes of one new instance a rollout is given up:
// a first crash may be a race at start, a second says that it does not start.
const certainty = 2

// Rollout is a deployment that has come up.
type Rollout struct {
	// Allocations are the ids of the new instances.
	Allocations []string
}

// GroupHealth counts the healthy new instances of a group.
type GroupHealth struct {
	Group            string
	Healthy, Desired int
}

// Observer hears how a rollout goes on. Each part may be nil.
type Observer struct {
	// Progress hears how many new instances are healthy, by group, sorted, whenever
	// that changes.
	Progress func([]GroupHealth)
	// Verdict is asked about once a second for as long as the rollout lasts, and
	// given those of its allocations that are not healthy yet. When it knows that one
	// of them never will be, it says why; else nothing.
	Verdict func(ctx context.Context, unhealthy []string) string
}

// Place registers a job if its index is still that of its plan, and returns when
// the scheduler has found places for its instances: from then on they hold their
// room, so that the plan of another job sees what is left. The source is shown in
// the Nomad UI as the job's definition. What it returns is for Follow.
func (c *Client) Place(ctx context.Context, job *api.Job, index uint64, source []byte) (deployment string, err error) {
	evalID, err := c.submit(ctx, job, index, source)
	if err != nil {
		return "", err
	}
	eval, err := c.evaluation(ctx, *job.Namespace, evalID)
	if err != nil {
		return "", err
	}
	if eval.DeploymentID == "" {
		return "", fmt.Errorf("job %q: the scheduler started no deployment (evaluation %s is %s)", *job.ID, eval.ID, eval.Status)
	}
	return eval.DeploymentID, nil
}

// Follow waits for the deployment of a job that was placed. When the rollout
// cannot succeed any more the deployment is failed at once, which makes Nomad go
// back to the last good version, and the error is a *Failure.
func (c *Client) Follow(ctx context.Context, job *api.Job, deployment string, observer Observer) (Rollout, error) {
	f := follower{c: c, job: job, deployment: deployment, observer: observer}
	return f.run(ctx)
}

type follower struct {
	c          *Client
	job        *api.Job
	deployment string
	observer   Observer
	seen       []GroupHealth
}

func (f *follower) run(ctx context.Context) (Rollout, error) {
	var index uint64
	for {
		// A short wait: a crash changes the allocation, not the deployment.
		d, meta, err := f.c.api.Deployments().Info(f.deployment, after(ctx, *f.job.Namespace, index, time.Second))
		if err != nil {
			return Rollout{}, fmt.Errorf("read deployment of job %q: %w", *f.job.ID, err)
		}
		index = meta.LastIndex
		allocs, _, err := f.c.api.Deployments().Allocations(f.deployment, read(ctx, *f.job.Namespace))
		if err != nil {
			return Rollout{}, fmt.Errorf("list allocations of job %q: %w", *f.job.ID, err)
		}
		f.report(d)
		switch d.Status {
		case api.DeploymentStatusSuccessful:
			return Rollout{Allocations: ids(allocs)}, f.c.evaluated(ctx, *f.job.Namespace, *f.job.ID)
		case api.DeploymentStatusFailed, api.DeploymentStatusCancelled:
			return Rollout{}, f.c.explain(ctx, f.job, d.StatusDescription, allocs)
		}
		if reason := f.hopeless(ctx, allocs); reason != "" {
			failure := f.c.explain(ctx, f.job, reason, allocs)
			if err := f.giveUp(ctx); err != nil {
				return Rollout{}, err
			}
			return Rollout{}, failure
		}
	}
}

// giveUp fails the deployment, unless it has ended meanwhile.
func (f *follower) giveUp(ctx context.Context) error {
	_, _, err := f.c.api.Deployments().Fail(f.deployment, write(ctx, *f.job.Namespace))
	if err == nil {
		return nil
	}
	d, _, readErr := f.c.api.Deployments().Info(f.deployment, read(ctx, *f.job.Namespace))
	if readErr == nil && (d.Status == api.DeploymentStatusFailed || d.Status == api.DeploymentStatusCancelled) {
		return nil
	}
	return fmt.Errorf("fail deployment of job %q: %w", *f.job.ID, err)
}

func (f *follower) report(d *api.Deployment) {
	var now []GroupHealth
	for _, name := range slices.Sorted(maps.Keys(d.TaskGroups)) {
		g := d.TaskGroups[name]
		now = append(now, GroupHealth{name, g.HealthyAllocs, g.DesiredTotal})
	}
	if f.observer.Progress != nil && !slices.Equal(now, f.seen) {
		f.observer.Progress(now)
	}
	f.seen = now
}

// hopeless says why the rollout cannot succeed any more, if so.
func (f *follower) hopeless(ctx context.Context, allocs []*api.AllocationListStub) string {
	if crashed(allocs) {
		return "the new version does not start"
	}
	// Nomad itself would try elsewhere until the progress deadline.
	if slices.ContainsFunc(allocs, unhealthy) {
		return "it was not healthy in time"
	}
	if f.observer.Verdict == nil {
		return ""
	}
	var waiting []string
	for _, a := range allocs {
		if a.DeploymentStatus == nil || a.DeploymentStatus.Healthy == nil {
			waiting = append(waiting, a.ID)
		}
	}
	return f.observer.Verdict(ctx, waiting)
}

// unhealthy reports whether an instance was not healthy until its healthy deadline.
func unhealthy(a *api.AllocationListStub) bool {
	return a.DeploymentStatus != nil && a.DeploymentStatus.Healthy != nil && !*a.DeploymentStatus.Healthy
}

// crashed reports whether a new instance has crashed often enough, or cannot even
// be started.
func crashed(allocs []*api.AllocationListStub) bool {
	for _, a := range allocs {
		crashes := 0
		for _, state := range a.TaskStates {
			for _, e := range state.Events {
				switch e.Type {
				case api.TaskTerminated:
					crashes++
				case api.TaskNotRestarting, api.TaskSetupFailure, api.TaskDriverFailure:
					crashes = certainty
				}
			}
		}
		if crashes >= certainty {
			return true
		}
	}
	return false
}

func ids(allocs []*api.AllocationListStub) []string {
	var out []string
	for _, a := range allocs {
		if a.DesiredStatus == api.AllocDesiredStatusRun && a.ClientStatus == api.AllocClientStatusRunning {
			out = append(out, a.ID)
		}
	}
	return out
}
