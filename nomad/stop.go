package nomad

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/nomad/api"
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
	return c.stop(ctx, namespace, id, &api.DeregisterOptions{}, c.drained)
}

// End is Stop for a job that nobody will miss: its instances take no time in which
// they serve on, and are killed when they have not ended within endTime.
func (c *Client) End(ctx context.Context, namespace, id string) error {
	return c.stop(ctx, namespace, id, &api.DeregisterOptions{NoShutdownDelay: true}, c.killed)
}

func (c *Client) stop(ctx context.Context, namespace, id string, how *api.DeregisterOptions, wait func(ctx context.Context, namespace, id string) ([]*api.AllocationListStub, error)) error {
	if _, _, err := c.api.Jobs().Info(id, read(ctx, namespace)); err != nil {
		if isNotFound(err) {
			return nil
		}
		return fmt.Errorf("read job %q: %w", id, err)
	}
	if _, _, err := c.api.Jobs().DeregisterOpts(id, how, write(ctx, namespace)); err != nil {
		return fmt.Errorf("stop job %q: %w", id, err)
	}
	allocs, err := wait(ctx, namespace, id)
	if err != nil {
		return err
	}
	c.collect(ctx, namespace, allocs)
	if _, _, err := c.api.Jobs().Deregister(id, true, write(ctx, namespace)); err != nil && !isNotFound(err) {
		return fmt.Errorf("purge job %q: %w", id, err)
	}
	return nil
}

// endTime is enough for a program to write down what it has in hand. killInterval is
// how long one that was killed may take to be gone, before it is killed again: it
// may have been between two starts.
const (
	endTime      = 5 * time.Second
	killInterval = 2 * time.Second
)

// killed waits until no instance of a job that was told to stop runs any more, and
// kills those that take longer than endTime.
func (c *Client) killed(ctx context.Context, namespace, id string) ([]*api.AllocationListStub, error) {
	for patience := endTime; ; patience = killInterval {
		limited, cancel := context.WithTimeout(ctx, patience)
		allocs, err := c.drained(limited, namespace, id)
		late := limited.Err() != nil
		cancel()
		if err == nil || !late || ctx.Err() != nil {
			return allocs, err
		}
		if err := c.kill(ctx, namespace, id); err != nil {
			return nil, err
		}
	}
}

// kill sends SIGKILL to what runs of a job. Where that cannot be it has ended, or
// its node is away and Nomad will miss it.
func (c *Client) kill(ctx context.Context, namespace, id string) error {
	allocs, _, err := c.api.Jobs().Allocations(id, true, read(ctx, namespace))
	if err != nil {
		return fmt.Errorf("list allocations of job %q: %w", id, err)
	}
	for _, a := range allocs {
		if !ended(a) {
			_ = c.api.Allocations().Signal(&api.Allocation{ID: a.ID, NodeID: a.NodeID}, read(ctx, namespace), "", "SIGKILL")
		}
	}
	return nil
}
