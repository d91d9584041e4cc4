package deploy

import (
	"context"
	"errors"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/deploy/turns"
)

// takeTurns has a change be one of those that wait for each other, until leave.
func (c *change) takeTurns() (leave func()) {
	var kinds []string
	for _, s := range c.ir.Servers {
		kinds = append(kinds, s.Size+" "+s.Region)
	}
	c.turn = c.turns.Take(kinds)
	return func() {
		c.turn.Leave()
		c.turn = nil
	}
}

// placeInTurn places a job that has room, unless another change has taken the room
// since that was seen.
func (c *change) placeInTurn(ctx context.Context, form fitted) (deployment string, placed bool, err error) {
	fits := func() (bool, error) {
		plan, err := c.nomad.Plan(ctx, form.job)
		return len(plan.Unplaced) == 0, err
	}
	placed, err = c.turn.Place(ctx, fits, func() (err error) {
		deployment, err = c.place(ctx, form)
		return err
	})
	return deployment, placed, err
}

// waitForRoom waits for a moment after a change found no room for something, and
// reports whether to look for it again.
func (c *change) waitForRoom(ctx context.Context, name string) (again bool, err error) {
	return c.turn.WaitForRoom(ctx, func(others string) {
		c.phase("rollout", "no room for %s yet: waiting for %s", name, others)
	})
}

// rollInTurn makes jobs run as rollJobs does. When it has to give way it goes back,
// and begins again when others have ended.
func (c *change) rollInTurn(ctx context.Context, lowered []*nomadapi.Job) error {
	for {
		c.removed = c.toRemove(lowered)
		err := c.rollJobs(ctx, c.oldFirst(lowered))
		if !errors.Is(err, turns.ErrGaveWay) {
			return err
		}
		c.phase("rollout", "giving way to another push that needs the room")
		if err := c.putBack(ctx, lowered); err != nil {
			return err
		}
		c.turn.WentBack()
	}
}

// runBatch runs a job that ends, when there is room for it.
func (c *change) runBatch(ctx context.Context, job *nomadapi.Job, source []byte, name string, observer nomad.BatchObserver) error {
	for {
		err := c.nomad.RunBatch(ctx, job, source, observer)
		if failure, ok := errors.AsType[*nomad.Failure](err); !ok || !failure.NoRoom {
			return err
		}
		if again, waitErr := c.waitForRoom(ctx, name); waitErr != nil || !again {
			return errors.Join(waitErr, err)
		}
	}
}
