package nomad

import (
	"context"
	"fmt"
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

// Follow waits for the deployment that an evaluation started. progress hears the
// count of healthy instances whenever it changes. When the rollout cannot
// succeed any more the deployment is failed at once, which makes Nomad go back
// to the last good version, and the error is a *Failure.
func (c *Client) Follow(ctx context.Context, job *api.Job, evalID string, progress func(healthy, desired int)) (Rollout, error) {
	eval, err := c.evaluation(ctx, *job.Namespace, evalID)
	if err != nil {
		return Rollout{}, err
	}
	if eval.DeploymentID == "" {
		return Rollout{}, fmt.Errorf("job %q: the scheduler started no deployment (evaluation %s is %s)", *job.ID, eval.ID, eval.Status)
	}
	f := follower{c: c, job: job, deployment: eval.DeploymentID, progress: progress, healthy: -1}
	return f.run(ctx)
}

type follower struct {
	c          *Client
	job        *api.Job
	deployment string
	progress   func(healthy, desired int)
	healthy    int
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
		if hopeless(allocs) {
			failure := f.c.explain(ctx, f.job, "the new version does not start", allocs)
			if _, _, err := f.c.api.Deployments().Fail(f.deployment, write(ctx, *f.job.Namespace)); err != nil {
				return Rollout{}, fmt.Errorf("fail deployment of job %q: %w", *f.job.ID, err)
			}
			return Rollout{}, failure
		}
	}
}

func (f *follower) report(d *api.Deployment) {
	healthy, desired := 0, 0
	for _, g := range d.TaskGroups {
		healthy += g.HealthyAllocs
		desired += g.DesiredTotal
	}
	if healthy != f.healthy && f.progress != nil {
		f.healthy = healthy
		f.progress(healthy, desired)
	}
}

// hopeless reports whether a new instance has crashed often enough, or cannot
// even be started.
func hopeless(allocs []*api.AllocationListStub) bool {
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
