//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"fngen.dev/fngen/nomad/dev/process"
)

// taskGrace is how long a person's program may take to end when all ends.
const taskGrace = 10 * time.Second

// down stops what up started, the last first, and what its tasks have left.
func (c *cluster) down(ctx context.Context) error {
	records, err := process.LoadAll(c.Run())
	if err != nil {
		return err
	}
	slices.SortFunc(records, func(a, b process.Record) int { return b.Order - a.Order })
	var errs []error
	for len(records) > 0 {
		same := 1
		for same < len(records) && records[same].Order == records[0].Order {
			same++
		}
		errs = append(errs, c.stopAll(records[:same]))
		switch records[0].Order { // an agent that runs would start its tasks again
		case orderNode:
			errs = append(errs, process.EndInside(c.Data("nodes"), taskGrace))
		case orderNomad:
			errs = append(errs, process.EndInside(c.Data("nomad"), taskGrace))
		}
		records = records[same:]
	}
	errs = append(errs, process.EndInside(c.DataRoot(), taskGrace), process.Unmount(c.DataRoot()), c.removeNetwork(ctx), c.removeAddresses(ctx))
	return errors.Join(errs...)
}

// stopAll stops servers that do not need each other, together.
func (c *cluster) stopAll(records []process.Record) error {
	errs := make([]error, len(records))
	var wg sync.WaitGroup
	for i, r := range records {
		wg.Go(func() {
			if errs[i] = process.Stop(c.Run(), r, stopGrace); errs[i] == nil {
				c.out.line("%-24s stopped", r.Name)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// removeAddresses takes those of the simulated servers off the interface.
func (c *cluster) removeAddresses(ctx context.Context) error {
	have, err := addresses()
	if err != nil {
		return err
	}
	var errs []error
	for _, addr := range have {
		errs = append(errs, removeAddress(ctx, addr))
	}
	return errors.Join(errs...)
}

// clean is down, and then the data is gone too. The built servers stay.
func (c *cluster) clean(ctx context.Context) error {
	if err := c.down(ctx); err != nil {
		return err
	}
	if left, err := process.Mounts(c.DataRoot()); err != nil || len(left) > 0 {
		return fmt.Errorf("refuse to delete %s, which has mounts %v: %w", c.Dev(), left, err)
	}
	if err := os.RemoveAll(c.Dev()); err != nil {
		return fmt.Errorf("delete %s: %w", c.Dev(), err)
	}
	c.out.line("%-24s deleted", ".dev")
	return nil
}

// clearLeftovers prepares the start of a Nomad agent that does not run. When
// executors of its tasks live, Nomad takes them over and nothing is touched;
// else what is mounted for dead tasks is unmounted, and their networks go.
func (c *cluster) clearLeftovers(ctx context.Context, name, dir string) error {
	if _, alive := process.Load(c.Run(), name); alive || process.ServesAllocs(dir) {
		return nil
	}
	if err := process.EndInside(dir, taskGrace); err != nil {
		return err
	}
	return errors.Join(process.Unmount(dir), c.clearNetworks(ctx, dir))
}
