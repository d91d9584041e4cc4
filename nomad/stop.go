package nomad

import (
	"context"
	"fmt"
)

// JobIDs lists the jobs of a namespace, sorted by Nomad.
func (c *Client) JobIDs(ctx context.Context, namespace string) ([]string, error) {
	jobs, _, err := c.api.Jobs().List(read(ctx, namespace))
	if err != nil {
		return nil, fmt.Errorf("list jobs of namespace %q: %w", namespace, err)
	}
	var out []string
	for _, j := range jobs {
		out = append(out, j.ID)
	}
	return out, nil
}

// Stop ends a job, by its exact id, waits until its last instance has ended and
// purges it. A job that does not exist is no error.
func (c *Client) Stop(ctx context.Context, namespace, id string) error {
	if _, _, err := c.api.Jobs().Info(id, read(ctx, namespace)); err != nil {
		if isNotFound(err) {
			return nil
		}
		return fmt.Errorf("read job %q: %w", id, err)
	}
	if _, _, err := c.api.Jobs().Deregister(id, false, write(ctx, namespace)); err != nil {
		return fmt.Errorf("stop job %q: %w", id, err)
	}
	allocs, err := c.drained(ctx, namespace, id)
	if err != nil {
		return err
	}
	c.collect(ctx, namespace, allocs)
	if _, _, err := c.api.Jobs().Deregister(id, true, write(ctx, namespace)); err != nil && !isNotFound(err) {
		return fmt.Errorf("purge job %q: %w", id, err)
	}
	return nil
}
