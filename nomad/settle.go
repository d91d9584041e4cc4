package nomad

import (
	"context"
	"fmt"

	"github.com/hashicorp/nomad/api"
)

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
			draining = draining || a.DesiredStatus != api.AllocDesiredStatusRun && a.ClientStatus == api.AllocClientStatusRunning
		}
		if !draining {
			return waited, nil
		}
		waited, index = true, meta.LastIndex
	}
}
