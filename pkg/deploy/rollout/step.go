package rollout

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

func (r *Rollout) newStep(job *nomadapi.Job) *step {
	f := jobset.FunctionOf(r.IR, *job.ID)
	shared := r.withHandedOver(job, f)
	s := &step{f: f, job: job, forms: []*nomadapi.Job{shared}}
	if both := jobset.WithLeft(shared, r.LiveJobs[*job.ID]); both != nil {
		s.forms = []*nomadapi.Job{both, shared}
	}
	return s
}

// begin places a job in the first of its forms that is not what runs. The rest
// waits until it is healthy, takes it through its other forms, which start
// nothing, and returns when the router leads to the new instances and to nothing
// else, at the host that no other function has.
func (r *Rollout) begin(ctx context.Context, s *step, told *tally) (waves.Rest, error) {
	for i, job := range s.forms {
		form, err := r.MakeRoom(ctx, job, s.f)
		if err != nil {
			return nil, err
		}
		if !form.Plan.Changed {
			continue
		}
		r.Phase("rollout", "%s", begun(s.f.Name, form.Plan))
		if form.OneByOne != nil {
			r.Phase("rollout", "replacing %s one by one on %s, where old and new do not fit side by side", s.f.Name, strings.Join(form.OneByOne, ", "))
		}
		deployment, placed, err := r.placeInTurn(ctx, form)
		if err == nil && !placed {
			return r.begin(ctx, s, told)
		}
		s.ran = form.Job
		return func(ctx context.Context, up func()) error {
			if s.allocations, s.err = r.follow(ctx, s.f, s.ran, deployment); s.err == nil {
				up()
				s.err = r.serve(ctx, s, s.forms[i+1:], told)
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
func (r *Rollout) serve(ctx context.Context, s *step, left []*nomadapi.Job, told *tally) error {
	told.asking(s)
	if err := r.Answers(ctx, s.f, power.Of(s.f).OwnHost(), s.allocations); err != nil {
		return err
	}
	if len(left) == 0 {
		told.answers(s)
		return nil
	}
	changed, allocations, err := r.Become(ctx, s.f, left[0])
	if err != nil {
		return err
	}
	if changed {
		s.ran, s.allocations = left[0], allocations
	}
	return r.serve(ctx, s, left[1:], told)
}

// Answers returns when the router leads at a host of a function to these instances,
// if there are any, and to nothing else. It leads to none without a host.
func (r *Rollout) Answers(ctx context.Context, f ir.Function, host string, allocations []string) error {
	if host == "" {
		return nil
	}
	return r.Router.Answering(ctx, host, power.Of(f).Health, allocations)
}

// finish makes a job that runs in an interim form what it is to be.
func (r *Rollout) finish(ctx context.Context, s *step) error {
	if s.ran == nil || s.ran == s.job {
		return nil
	}
	_, _, err := r.Become(ctx, s.f, s.job)
	return err
}

// Become makes a job that is up something for which nothing is started: how it is
// updated, which hosts it has and which servers it leaves is changed in place.
func (r *Rollout) Become(ctx context.Context, f ir.Function, job *nomadapi.Job) (changed bool, allocations []string, err error) {
	plan, err := r.Nomad.Plan(ctx, job)
	if err != nil || !plan.Changed {
		return false, nil, err
	}
	if takenOff(plan) != nil {
		r.Phase("rollout", "%s", begun(f.Name, plan))
	}
	deployment, err := r.place(ctx, Fitted{Job: job, Plan: plan})
	if err != nil {
		return true, nil, err
	}
	allocations, err = r.follow(ctx, f, job, deployment)
	return true, allocations, err
}

// Start places a job in a form, and returns when its new instances answer through the
// router and the old ones no longer.
func (r *Rollout) Start(ctx context.Context, f ir.Function, form Fitted) error {
	deployment, err := r.place(ctx, form)
	if err != nil {
		return err
	}
	allocations, err := r.follow(ctx, f, form.Job, deployment)
	if err != nil {
		return err
	}
	return r.Answers(ctx, f, power.Of(f).OwnHost(), allocations)
}

// place registers a job in a form at the plan's index. Its instances hold their
// room from then on.
func (r *Rollout) place(ctx context.Context, form Fitted) (deployment string, err error) {
	source, err := jobs.HCL(form.Job)
	if err != nil {
		return "", err
	}
	return r.Nomad.Place(ctx, form.Job, form.Plan.Index, source)
}

// follow returns the new instances of a job that was placed when they are healthy.
// When they will never be, the error is a *notUp.
func (r *Rollout) follow(ctx context.Context, f ir.Function, job *nomadapi.Job, deployment string) ([]string, error) {
	checks := r.newCheckup(f, job)
	rollout, err := r.Nomad.Follow(ctx, job, deployment, nomad.Observer{
		Progress: func(groups []nomad.GroupHealth) { r.Phase("rollout", "%s: %s", f.Name, healthOf(groups)) },
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
	*Rollout
	of      int
	arrived atomic.Int32
}

func (t *tally) asking(s *step) {
	if host := power.Of(s.f).FirstHost(); t.of == 1 && host != "" {
		t.Phase("route", "waiting for %s to answer at %s", s.f.Name, t.Cluster.URL(host))
	}
}

// Answers counts a function; nil is one that was left alone.
func (t *tally) answers(s *step) {
	n := t.arrived.Add(1)
	if s == nil || t.of == 1 {
		return
	}
	does := "runs"
	if host := power.Of(s.f).FirstHost(); host != "" {
		does = "answers at " + t.Cluster.URL(host)
	}
	t.Phase("rollout", "%s %s: %d of %d are up", s.f.Name, does, n, t.of)
}
