package cache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/pkg/agent/archive"
	"fngen.dev/fngen/pkg/agent/console"
)

// kind is a sort of cache entry, and the name of its directory.
type kind string

const (
	trees kind = "code"
	// rootTrees is where trees were when their files were root's: agents of that time
	// may still hold some.
	rootTrees kind = "trees"
	Layers    kind = "layers"
	statics   kind = "static"
	UVCache   kind = "uv"

	keepTrees  = 10
	KeepLayers = 5
	// keepStatics is also for how many releases the links of old pages resolve.
	keepStatics = 5
	// KeepUV is how many bytes uv keeps from one build to the next.
	KeepUV = 10e9
	// lockPause is how often a lock that another agent holds is tried again.
	lockPause = 50 * time.Millisecond
)

// Cache is one project's part of a node's cache:
//
//	<uid>/code/<hex>     a tree, complete when it has this name; the files are the
//	                     project's, and it cannot get there; .<hex>.proof
//	                     is what was verified of it
//	<uid>/layers/<key>   complete when it holds .complete
//	<uid>/static/<key>   complete when it has this name
//	<uid>/locks/<kind>-<name>
//	<uid>/uv             what uv keeps; only builds can get there, and write it
//
// An agent holds its entries' locks shared as long as it runs, and exclusive
// while it fills or removes one. The locks are root's alone, so no project can
// hold one.
type Cache struct {
	Dir string
	UID int
	// GID is the group that may read, or -1 where files cannot be given away.
	GID int
	log console.Logger
}

func Open(dir string, uid int, log console.Logger) (*Cache, error) {
	c := &Cache{Dir: filepath.Join(dir, strconv.Itoa(uid)), UID: uid, GID: uid, log: log}
	if os.Geteuid() != 0 {
		c.GID = -1
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make cache: %w", err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode()&0o001 == 0 {
		return nil, fmt.Errorf("open cache: every user must be able to go through %s (mode 0755): %w", dir, cmp.Or(err, os.ErrPermission))
	}
	for _, d := range []struct {
		name     string
		uid, gid int
		mode     os.FileMode
	}{
		{".", 0, c.GID, 0o750}, {string(trees), 0, 0, 0o700}, {string(Layers), 0, c.GID, 0o750},
		{string(statics), 0, c.GID, 0o750},
		{"locks", 0, 0, 0o700},
	} {
		if err := c.Own(filepath.Join(c.Dir, d.name), d.uid, d.gid, d.mode); err != nil {
			return nil, fmt.Errorf("make cache: %w", err)
		}
	}
	return c, c.closeUV()
}

// Own makes a directory, or takes it over, with an owner and a mode.
func (c *Cache) Own(path string, uid, gid int, mode os.FileMode) error {
	if err := os.Mkdir(path, mode); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	if c.GID >= 0 {
		if err := os.Lchown(path, uid, gid); err != nil {
			return err
		}
	}
	return os.Chmod(path, mode)
}

func (c *Cache) Path(k kind, name string) string { return filepath.Join(c.Dir, string(k), name) }

// Hold makes an entry present and returns its shared lock, which keeps it from
// being removed until it is closed. fill is called when present says no; several
// agents that want the same entry wait for one of them to fill it.
func (c *Cache) Hold(ctx context.Context, k kind, name string, present func() bool, fill func() error) (*os.File, error) {
	var held *os.File
	var err error
	for held == nil && err == nil {
		err = c.patiently(ctx, k, name, func() (err error) {
			held, err = c.tryHold(k, name, present, fill)
			return err
		})
	}
	return held, err
}

// tryHold returns the shared lock of an entry that is present, or nil when it has
// just filled it. Whoever was faster than this agent may hold the entry until it
// ends, so that the exclusive lock is never waited for by itself.
func (c *Cache) tryHold(k kind, name string, present func() bool, fill func() error) (*os.File, error) {
	shared, err := c.tryLock(k, name, unix.LOCK_SH)
	if err != nil {
		return nil, err
	}
	if present() {
		now := time.Now() // the time of the last use, for prune
		return shared, os.Chtimes(shared.Name(), now, now)
	}
	shared.Close()
	exclusive, err := c.tryLock(k, name, unix.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer exclusive.Close()
	if present() {
		return nil, nil
	}
	if err = fill(); err == nil && !present() {
		err = fmt.Errorf("%s/%s is not in the cache after it was filled", k, name)
	}
	return nil, err
}

// patiently tries until it gets an answer other than EWOULDBLOCK, as long as ctx
// allows.
func (c *Cache) patiently(ctx context.Context, k kind, name string, try func() error) error {
	for waited := false; ; waited = true {
		if err := try(); !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		if !waited {
			c.log.Say("waiting for another allocation that prepares %s/%s", k, name)
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return fmt.Errorf("wait for %s/%s: %w", k, name, ctx.Err())
		}
	}
}

// tryLock takes a lock now or returns EWOULDBLOCK. A lock's file may be removed
// by the one who holds it, so the file that was locked must still be the one
// that has the name.
func (c *Cache) tryLock(k kind, name string, how int) (*os.File, error) {
	path := filepath.Join(c.Dir, "locks", string(k)+"-"+name)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s/%s: %w", k, name, err)
	}
	locked, err := f.Stat()
	if err == nil {
		var named os.FileInfo
		if named, err = os.Stat(path); err == nil && os.SameFile(locked, named) {
			return f, nil
		}
	}
	f.Close()
	return nil, fmt.Errorf("lock %s/%s: %w", k, name, unix.EWOULDBLOCK)
}

// Prune removes the entries that were not used for longest, beyond keep, and
// that no agent holds. An entry that cannot be removed is said and left.
func (c *Cache) Prune(k kind, keep int) {
	found, err := filepath.Glob(filepath.Join(c.Dir, "locks", string(k)+"-*"))
	if err != nil || len(found) <= keep {
		return
	}
	age := map[string]time.Time{}
	for _, path := range found {
		if info, err := os.Stat(path); err == nil {
			age[path] = info.ModTime()
		}
	}
	slices.SortFunc(found, func(a, b string) int { return age[b].Compare(age[a]) })
	for _, path := range found[keep:] {
		name := strings.TrimPrefix(filepath.Base(path), string(k)+"-")
		if err := c.remove(k, name); err != nil && !errors.Is(err, syscall.EWOULDBLOCK) {
			c.log.Say("remove %s/%s from the cache: %v", k, name, err)
		}
	}
}

func (c *Cache) remove(k kind, name string) error {
	f, err := c.tryLock(k, name, unix.LOCK_EX)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := c.Clear(k, name); err != nil {
		return err
	}
	return os.Remove(f.Name())
}

// Clear removes an entry, and what an interrupted filling left of it. The caller
// holds the exclusive lock. The marker goes first, so that half a layer is never
// taken for a whole one.
func (c *Cache) Clear(k kind, name string) error {
	if err := os.Remove(filepath.Join(c.Path(k, name), archive.CompleteMarker)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return errors.Join(os.RemoveAll(c.temporary(k, name)), os.RemoveAll(c.Path(k, name)), os.RemoveAll(c.proof(name)))
}

// proof is where it is noted which files of a tree need not be read again.
func (c *Cache) proof(name string) string { return c.Path(trees, "."+name+".proof") }

// temporary is where an entry is filled before it gets its name.
func (c *Cache) temporary(k kind, name string) string { return c.Path(k, "."+name+".part") }
