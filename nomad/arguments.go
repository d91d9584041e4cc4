package nomad

import (
	"context"
	"fmt"

	"github.com/hashicorp/nomad/api"
)

// Arguments are what the agent of an allocation was started with, as Nomad has it, and
// whether it may be running: it says its last words when nobody wants it to run any
// more. There are none of an allocation that is not of the job.
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
	switch a.ClientStatus {
	case api.AllocClientStatusPending, api.AllocClientStatusRunning, api.AllocClientStatusUnknown,
		api.AllocClientStatusLost: // its server was away for long, and is back
		running = true
	}
	return args(a), running, nil
}
