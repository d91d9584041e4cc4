package cache

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/pkg/agent/disk"
)

// OpenUV lets the project's user into what uv keeps, as long as there is a build:
// what functions write must not get there. It returns what closes it again, once
// no other build needs it.
func (c *Cache) OpenUV(ctx context.Context) (closeIt func(), err error) {
	var lock *os.File
	err = c.patiently(ctx, UVCache, "all", func() (err error) {
		lock, err = c.tryLock(UVCache, "all", unix.LOCK_SH)
		return err
	})
	if err != nil {
		return nil, err
	}
	closeIt = func() {
		lock.Close()
		if err := errors.Join(c.closeUV(), c.trimUV()); err != nil {
			c.log.Say("close the cache of uv: %v", err)
		}
	}
	if err := c.Own(c.Path(UVCache, ""), c.UID, c.GID, 0o700); err != nil {
		closeIt()
		return nil, err
	}
	return closeIt, nil
}

// closeUV keeps the project out of what uv keeps, unless there is a build.
func (c *Cache) closeUV() error {
	lock, err := c.tryLock(UVCache, "all", unix.LOCK_EX)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil // the build does it
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	return c.Own(c.Path(UVCache, ""), 0, 0, 0o700)
}

// trimUV empties what uv keeps when it is so much that builds have no room beside it.
func (c *Cache) trimUV() error {
	lock, err := c.tryLock(UVCache, "all", unix.LOCK_EX)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil // the build that goes on does it
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	dir, err := os.Open(c.Path(UVCache, ""))
	if err != nil {
		return err
	}
	defer dir.Close()
	kept, err := disk.UsedBy(c.UID, dir, KeepUV)
	if err != nil || kept <= KeepUV {
		return err
	}
	return os.RemoveAll(c.Path(UVCache, ""))
}
