//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fngen.dev/fngen/nomad/dev/layout"
	"fngen.dev/fngen/nomad/dev/process"
)

// retire stops and forgets servers that are no longer in the fleet.
func (c *cluster) retire(ctx context.Context) error {
	entries, err := os.ReadDir(c.Data("nodes"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list nodes: %w", err)
	}
	keep := c.nodeNames()
	for _, e := range entries {
		if name := e.Name(); !slices.Contains(keep, name) {
			if err := c.retireNode(ctx, name); err != nil {
				return fmt.Errorf("retire server %s: %w", name, err)
			}
			c.out.line("%-24s retired", name)
		}
	}
	return c.retireAddresses(ctx)
}

func (c *cluster) retireNode(ctx context.Context, name string) error {
	dir := c.nodeDir(name)
	for _, server := range []string{"nomad-" + name, "consul-" + name} {
		if r, alive := process.Load(c.Run(), server); alive {
			if err := process.Stop(c.Run(), r, stopGrace); err != nil {
				return err
			}
		}
	}
	if err := process.EndInside(dir, taskGrace); err != nil {
		return err
	}
	if err := errors.Join(process.Unmount(dir), c.clearNetworks(ctx, dir)); err != nil {
		return err
	}
	if err := c.nomad.Forget(ctx, name); err != nil {
		return err
	}
	if err := c.consul.Forget(ctx, name); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(c.Secrets(), "consul-agent-"+name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove token: %w", err)
	}
	return os.RemoveAll(dir)
}

// retireAddresses removes those above the last server.
func (c *cluster) retireAddresses(ctx context.Context) error {
	have, err := addresses()
	if err != nil {
		return err
	}
	var want []string
	for _, n := range c.fleet {
		want = append(want, layout.NodeAddress(n.N))
	}
	for _, addr := range have {
		if !slices.Contains(want, addr) && strings.HasPrefix(addr, "127.0.10.") {
			if err := removeAddress(ctx, addr); err != nil {
				return err
			}
		}
	}
	return nil
}
