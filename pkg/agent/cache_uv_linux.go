package agent

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// openUV lets the project's user into what uv keeps, as long as there is a build:
// what functions write must not get there. It returns what closes it again, once
// no other build needs it.
func (c *cache) openUV(ctx context.Context) (closeIt func(), err error) {
	var lock *os.File
	err = c.patiently(ctx, uvCache, "all", func() (err error) {
		lock, err = c.tryLock(uvCache, "all", unix.LOCK_SH)
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
	if err := c.own(c.path(uvCache, ""), c.uid, c.gid, 0o700); err != nil {
		closeIt()
		return nil, err
	}
	return closeIt, nil
}

// closeUV keeps the project out of what uv keeps, unless there is a build.
func (c *cache) closeUV() error {
	lock, err := c.tryLock(uvCache, "all", unix.LOCK_EX)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil // the build does it
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	return c.own(c.path(uvCache, ""), 0, 0, 0o700)
}

// trimUV empties what uv keeps when it is so much that builds have no room beside it.
func (c *cache) trimUV() error {
	lock, err := c.tryLock(uvCache, "all", unix.LOCK_EX)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil // the build that goes on does it
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	dir, err := os.Open(c.path(uvCache, ""))
	if err != nil {
		return err
	}
	defer dir.Close()
	kept, err := usedBy(c.uid, dir, keepUV)
	if err != nil || kept <= keepUV {
		return err
	}
	return os.RemoveAll(c.path(uvCache, ""))
}
