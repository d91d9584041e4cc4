package nomad

import (
	"context"
	"fmt"

	"github.com/hashicorp/nomad/api"
)

// ended reports whether nothing of an allocation is left on its node. One that has
// crashed is pending until it is started again, and holds its memory.
func ended(a *api.AllocationListStub) bool {
	return a.ClientStatus != api.AllocClientStatusRunning && a.ClientStatus != api.AllocClientStatusPending
}

// Settle waits until the instances of a namespace that were told to stop have
// ended: while they drain they still hold their memory. It reports whether there
// were any.
func (c *Client) Settle(ctx context.Context, namespace string) (waited bool, err error) {
	var index uint64
	for {
		allocs, meta, err := c.api.Allocations().List(after(ctx, namespace, index, wait))
		if err != nil {
			return waited, fmt.Errorf("list allocations of namespace %q: %w", namespace, err)
		}
		draining := false
		for _, a := range allocs {
			draining = draining || a.DesiredStatus != api.AllocDesiredStatusRun && !ended(a)
		}
		if !draining {
			return waited, nil
		}
		waited, index = true, meta.LastIndex
	}
}
