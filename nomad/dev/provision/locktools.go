package provision

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"fngen.dev/fngen/nomad/dev/layout"
)

// lockTools are the programs that know best what a lock file means. hishel is
// held where PDM, which does not, still works.
var lockTools = []string{"poetry==2.5.1", "poetry-plugin-export==1.10.1", "pdm==2.29.4", "hishel==1.4.0", "pipenv==2026.10.3"}

// LockTools installs the tools that the tests of lock files compare with, once per
// user. Where there is no package index it says so and does nothing: those tests
// are skipped then.
func LockTools(ctx context.Context, l layout.Layout, report Report) {
	dir := filepath.Join(l.Cache, "tools", "locktools-1")
	if _, err := os.Stat(dir); err == nil {
		return
	}
	report("%-24s downloading Poetry, PDM and Pipenv", "lock tools")
	if err := installLockTools(ctx, l, dir, report); err != nil {
		report("%-24s not installed, and lock files are compared with nothing: %v", "lock tools", err)
	}
}

func installLockTools(ctx context.Context, l layout.Layout, dir string, report Report) error {
	uv, err := UV(ctx, l, report)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("create cache: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "lock-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	target := filepath.Join(tmp, "packages")
	args := append([]string{"pip", "install", "--quiet", "--python", "/usr/bin/python3", "--target", target}, lockTools...)
	if err := runUV(ctx, l, uv, args...); err != nil {
		return err
	}
	if err := os.Rename(target, dir); err != nil {
		if _, statErr := os.Stat(dir); statErr == nil { // another make was faster
			return nil
		}
		return err
	}
	return nil
}
