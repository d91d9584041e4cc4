package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cause"
	"fngen.dev/fngen/pkg/deploy/postmortem"
)

// notUp says that a function did not come up.
type notUp struct {
	f       ir.Function
	failure *nomad.Failure
	checks  *checkup
}

func (n *notUp) Error() string {
	return fmt.Sprintf("%s did not come up: %s", n.f.Name, cmp.Or(n.checks.said, n.failure.Reason))
}

// explained says why a rollout failed. It shows all that there is to see of the first
// function that did not come up, and says why the others did not that have causes of
// their own. An error that is not about a function is returned as it is.
func (r *Rollout) explained(ctx context.Context, err error, steps []*step) error {
	first, ok := errors.AsType[*notUp](err)
	if !ok {
		return err
	}
	found := r.causeOf(ctx, first.failure, first.checks)
	r.showRun(first.f.Name, first.failure, found)
	why, list := r.why(ctx, first, found)
	for _, s := range steps {
		if other, ok := errors.AsType[*notUp](s.err); ok && other != first {
			if its, also := r.why(ctx, other, r.causeOf(ctx, other.failure, other.checks)); its != why {
				list = append(list, also...)
				r.Emit(api.Event{Output: &api.Output{Source: other.f.Name, Line: "did not come up either: " + its}})
			}
		}
	}
	problem := api.NewProblem(api.Failed, "%s did not come up: %s", first.f.Name, why)
	problem.Diagnostics = list
	if r.LiveNumber > 0 {
		return problem.WithHelp("release %d keeps serving", r.LiveNumber)
	}
	return problem.WithHelp("nothing of this project runs; mend it and push again")
}

// why says why a function did not come up: the cause itself where its runtime has
// told it, else how it ended, else what its health check says.
func (r *Rollout) why(ctx context.Context, n *notUp, found *cause.Cause) (string, diag.List) {
	if found == nil {
		return cmp.Or(postmortem.OfAgent(n.failure), postmortem.Ended(n.failure, r.IR.Servers), n.checks.said, n.failure.Reason), nil
	}
	list := r.Diagnose(ctx, n.f, found)
	return postmortem.WithPlace(list[0]), list
}

// showRun tells what the failed instance printed when it ran last, and what Nomad
// noted, where that is not what the diagnostic says.
func (r *Rollout) showRun(name string, f *nomad.Failure, found *cause.Cause) {
	if found == nil {
		for _, line := range f.Events {
			r.Emit(api.Event{Output: &api.Output{Source: "nomad", Line: line}})
		}
	}
	for _, line := range append(postmortem.Once(f.Stdout), postmortem.LastRun(f.Stderr, found)...) {
		r.Emit(api.Event{Output: &api.Output{Source: name, Line: line}})
	}
}

// ShowFailure tells what Nomad noted of a job whose output was shown as it came.
func (r *Rollout) ShowFailure(f *nomad.Failure) {
	for _, line := range f.Events {
		r.Emit(api.Event{Output: &api.Output{Source: "nomad", Line: line}})
	}
}
