package nomad

import (
	"context"
	"fmt"

	"github.com/hashicorp/nomad/api"
)

// Alive reports whether an allocation is one of a job that Nomad wants to run and that
// has not ended. One that waits for its node to come back may be running there.
func (c *Client) Alive(ctx context.Context, namespace, job, id string) (bool, error) {
	a, _, err := c.api.Allocations().Info(id, read(ctx, namespace))
	if err != nil && isNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read allocation %s: %w", id, err)
	}
	if a.ID != id || a.Namespace != namespace || a.JobID != job || a.DesiredStatus != api.AllocDesiredStatusRun {
		return false, nil
	}
	switch a.ClientStatus {
	case api.AllocClientStatusPending, api.AllocClientStatusRunning, api.AllocClientStatusUnknown:
		return true, nil
	}
	return false, nil
}
