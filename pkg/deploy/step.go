package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/deploy/jobset"
	"fngen.dev/fngen/pkg/deploy/power"
	"fngen.dev/fngen/pkg/deploy/waves"
)

// step is what a rollout does with one function.
type step struct {
	f ir.Function
	// job is what is to run in the end, forms are those in which it runs until all
	// others are up, one after the other: with the servers that it leaves, then
	// without them, and with the hosts that it hands over.
	job   *nomadapi.Job
	forms []*nomadapi.Job
	// ran is the form in which it came up, nil when there was nothing to do,
	// allocations are its new instances, and err is why it is not up.
	ran         *nomadapi.Job
	allocations []string
	err         error
}

func (c *change) newStep(job *nomadapi.Job) *step {
	f := jobset.FunctionOf(c.ir, *job.ID)
	shared := c.withHandedOver(job, f)
	s := &step{f: f, job: job, forms: []*nomadapi.Job{shared}}
	if both := jobset.WithLeft(shared, c.liveJobs[*job.ID]); both != nil {
		s.forms = []*nomadapi.Job{both, shared}
	}
	return s
}

// begin places a job in the first of its forms that is not what runs. The rest
// waits until it is healthy, takes it through its other forms, which start
// nothing, and returns when the router leads to the new instances and to nothing
// else, at the host that no other function has.
func (c *change) begin(ctx context.Context, s *step, told *tally) (waves.Rest, error) {
	for i, job := range s.forms {
		form, err := c.makeRoom(ctx, job, s.f)
		if err != nil {
			return nil, err
		}
		if !form.plan.Changed {
			continue
		}
		c.phase("rollout", "%s", begun(s.f.Name, form.plan))
		if form.oneByOne != nil {
			c.phase("rollout", "replacing %s one by one on %s, where old and new do not fit side by side", s.f.Name, strings.Join(form.oneByOne, ", "))
		}
		deployment, placed, err := c.placeInTurn(ctx, form)
		if err == nil && !placed {
			return c.begin(ctx, s, told)
		}
		s.ran = form.job
		return func(ctx context.Context, up func()) error {
			if s.allocations, s.err = c.follow(ctx, s.f, s.ran, deployment); s.err == nil {
				up()
				s.err = c.serve(ctx, s, s.forms[i+1:], told)
			}
			return s.err
		}, err
	}
	told.answers(nil)
	return nil, nil
}

// serve returns when the router leads to a step's new instances in the last of its
// forms. It takes none of those that served before away until it leads to the new
// ones.
func (c *change) serve(ctx context.Context, s *step, left []*nomadapi.Job, told *tally) error {
	told.asking(s)
	if err := c.answers(ctx, s.f, power.Of(s.f).OwnHost(), s.allocations); err != nil {
		return err
	}
	if len(left) == 0 {
		told.answers(s)
		return nil
	}
	changed, allocations, err := c.become(ctx, s.f, left[0])
	if err != nil {
		return err
	}
	if changed {
		s.ran, s.allocations = left[0], allocations
	}
	return c.serve(ctx, s, left[1:], told)
}

// answers returns when the router leads at a host of a function to these instances,
// if there are any, and to nothing else. It leads to none without a host.
func (c *change) answers(ctx context.Context, f ir.Function, host string, allocations []string) error {
	if host == "" {
		return nil
	}
	return c.router.Answering(ctx, host, power.Of(f).Health, allocations)
}

// finish makes a job that runs in an interim form what it is to be.
func (c *change) finish(ctx context.Context, s *step) error {
	if s.ran == nil || s.ran == s.job {
		return nil
	}
	_, _, err := c.become(ctx, s.f, s.job)
	return err
}

// become makes a job that is up something for which nothing is started: how it is
// updated, which hosts it has and which servers it leaves is changed in place.
func (c *change) become(ctx context.Context, f ir.Function, job *nomadapi.Job) (changed bool, allocations []string, err error) {
	plan, err := c.nomad.Plan(ctx, job)
	if err != nil || !plan.Changed {
		return false, nil, err
	}
	if takenOff(plan) != nil {
		c.phase("rollout", "%s", begun(f.Name, plan))
	}
	deployment, err := c.place(ctx, fitted{job: job, plan: plan})
	if err != nil {
		return true, nil, err
	}
	allocations, err = c.follow(ctx, f, job, deployment)
	return true, allocations, err
}

// place registers a job in a form at the plan's index. Its instances hold their
// room from then on.
func (c *change) place(ctx context.Context, form fitted) (deployment string, err error) {
	source, err := jobs.HCL(form.job)
	if err != nil {
		return "", err
	}
	return c.nomad.Place(ctx, form.job, form.plan.Index, source)
}

// follow returns the new instances of a job that was placed when they are healthy.
// When they will never be, the error is a *notUp.
func (c *change) follow(ctx context.Context, f ir.Function, job *nomadapi.Job, deployment string) ([]string, error) {
	checks := c.newCheckup(f, job)
	rollout, err := c.nomad.Follow(ctx, job, deployment, nomad.Observer{
		Progress: func(groups []nomad.GroupHealth) { c.phase("rollout", "%s: %s", f.Name, healthOf(groups)) },
		Verdict:  checks.verdict,
	})
	if failure, ok := errors.AsType[*nomad.Failure](err); ok {
		return nil, &notUp{f, failure, checks}
	}
	return rollout.Allocations, err
}

// begun says what a change of a function begins with.
func begun(name string, plan nomad.Plan) string {
	left := takenOff(plan)
	switch {
	case plan.Starts() > 0:
		return "starting " + name
	case left != nil:
		return "taking " + name + " off " + strings.Join(left, ", ")
	}
	return "changing " + name
}

// takenOff are the servers on which instances stop and nothing else happens.
func takenOff(plan nomad.Plan) []string {
	var out []string
	for _, g := range plan.Groups {
		if g.Stop > 0 && g.Starts() == 0 {
			out = append(out, g.Group)
		}
	}
	return out
}

// healthOf is "1 of 2 healthy on web, 0 of 1 on big".
func healthOf(groups []nomad.GroupHealth) string {
	var parts []string
	healthy := " healthy"
	for _, g := range groups {
		parts = append(parts, fmt.Sprintf("%d of %d%s on %s", g.Healthy, g.Desired, healthy, g.Group))
		healthy = ""
	}
	return strings.Join(parts, ", ")
}

// tally tells how many functions of a rollout answer. When there is only one, it also
// tells what is waited for; for several that would be one more line each.
type tally struct {
	*change
	of      int
	arrived atomic.Int32
}

func (t *tally) asking(s *step) {
	if host := power.Of(s.f).FirstHost(); t.of == 1 && host != "" {
		t.phase("route", "waiting for %s to answer at %s", s.f.Name, t.cfg.Cluster.URL(host))
	}
}

// answers counts a function; nil is one that was left alone.
func (t *tally) answers(s *step) {
	n := t.arrived.Add(1)
	if s == nil || t.of == 1 {
		return
	}
	does := "runs"
	if host := power.Of(s.f).FirstHost(); host != "" {
		does = "answers at " + t.cfg.Cluster.URL(host)
	}
	t.phase("rollout", "%s %s: %d of %d are up", s.f.Name, does, n, t.of)
}
