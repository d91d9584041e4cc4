//go:build linux

package main

import (
	"context"
	"os"

	"fngen.dev/fngen/nomad/dev/provision"
)

// uv runs the pinned uv, for the tests of the SDK. Its environments are in the
// cache, not in the checkout.
func (c *cluster) uv(ctx context.Context, args []string) error {
	path, err := provision.UV(ctx, c.Layout, c.out.line)
	if err != nil {
		return err
	}
	cmd, err := provision.Command(ctx, c.Layout, path, args...)
	if err != nil {
		return err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}
