package rollout

import (
	"context"
	"errors"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/deploy/turns"
)

// placeInTurn places a job that has room, unless another change has taken the room
// since that was seen.
func (r *Rollout) placeInTurn(ctx context.Context, form Fitted) (deployment string, placed bool, err error) {
	fits := func() (bool, error) {
		plan, err := r.Nomad.Plan(ctx, form.Job)
		return len(plan.Unplaced) == 0, err
	}
	placed, err = r.Turn.Place(ctx, fits, func() (err error) {
		deployment, err = r.place(ctx, form)
		return err
	})
	return deployment, placed, err
}

// waitForRoom waits for a moment after a change found no room for something, and
// reports whether to look for it again.
func (r *Rollout) waitForRoom(ctx context.Context, name string) (again bool, err error) {
	return r.Turn.WaitForRoom(ctx, func(others string) {
		r.Phase("rollout", "no room for %s yet: waiting for %s", name, others)
	})
}

// Run makes jobs run in the place of those that are live, and stops the jobs of removed.
// When it has to give way it goes back, and begins again when others have ended.
func (r *Rollout) Run(ctx context.Context, lowered []*nomadapi.Job, removed []string) error {
	for {
		r.Removed = removed
		err := r.rollJobs(ctx, r.OldFirst(lowered))
		if !errors.Is(err, turns.ErrGaveWay) {
			return err
		}
		r.Phase("rollout", "giving way to another push that needs the room")
		if err := r.PutBack(ctx, lowered); err != nil {
			return err
		}
		r.Turn.WentBack()
	}
}

// RunBatch runs a job that ends, when there is room for it.
func (r *Rollout) RunBatch(ctx context.Context, job *nomadapi.Job, source []byte, name string, observer nomad.BatchObserver) error {
	for {
		err := r.Nomad.RunBatch(ctx, job, source, observer)
		if failure, ok := errors.AsType[*nomad.Failure](err); !ok || !failure.NoRoom {
			return err
		}
		if again, waitErr := r.waitForRoom(ctx, name); waitErr != nil || !again {
			return errors.Join(waitErr, err)
		}
	}
}
