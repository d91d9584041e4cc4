package nomad

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/nomad/api"
)

// Arguments are what the agent of an allocation was started with, as Nomad has it, and
// whether it may still have something to say: its last words come when nobody wants it to
// run any more, and are believed for a while after its end. There are no arguments of an
// allocation that is not of the job.
func (c *Client) Arguments(ctx context.Context, namespace, job, id string) (said []string, running bool, err error) {
	a, _, err := c.api.Allocations().Info(id, read(ctx, namespace))
	if err != nil && isNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read allocation %s: %w", id, err)
	}
	if a.ID != id || a.Namespace != namespace || a.JobID != job {
		return nil, false, nil
	}
	return args(a), speaks(a, time.Now()), nil
}

// lastWords is for how long after the end of an allocation its agent may speak.
const lastWords = 10 * time.Minute

// speaks reports whether an agent may be there.
func speaks(a *api.Allocation, now time.Time) bool {
	switch a.ClientStatus {
	case api.AllocClientStatusPending, api.AllocClientStatusRunning, api.AllocClientStatusUnknown,
		api.AllocClientStatusLost: // its server was away for long, and is back
		return true
	}
	for _, state := range a.TaskStates {
		if now.Sub(state.FinishedAt) < lastWords {
			return true
		}
	}
	return false
}
