package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"fngen.dev/fngen/pkg/agent/console"
)

// ownTree is a tree of the cache of which one program gets a copy of its own, as
// its working directory. The program may do there whatever it likes, and nobody
// else ever sees it: not the cache, not another instance, and not the program
// itself when it is started again.
//
//	/app         where the program finds it
//	/.app        what makes it up, where only root passes
//	/.app/upper  what the program changed
//	/.app/work   what the kernel needs beside it
//
// It is an overlay of the tree in a user namespace (door), which takes the same
// few milliseconds whatever the tree weighs. Where the node does not allow that,
// it is a copy.
type ownTree struct {
	from string
	at   string
	// bytes is the size of the tree.
	bytes int64
	// uid and gid own it; gid -1 leaves the owner as it is.
	uid, gid int
	// copies asks for a copy without a try at anything better.
	copies bool
	log    console.Logger
}

func (t *ownTree) backing() string { return filepath.Join(filepath.Dir(t.at), "."+filepath.Base(t.at)) }
func (t *ownTree) upper() string   { return filepath.Join(t.backing(), "upper") }
func (t *ownTree) work() string    { return filepath.Join(t.backing(), "work") }

// written is the directory that holds what the program writes.
func (t *ownTree) written() string {
	if _, err := os.Stat(t.upper()); err == nil {
		return t.upper()
	}
	return t.at
}

// open makes the copy, and returns the program at the door of its namespace, or
// nil when the program is to be started as any other.
func (t *ownTree) open(c command) (*door, error) {
	for _, left := range []string{t.backing(), t.at} {
		if err := os.RemoveAll(left); err != nil {
			return nil, fmt.Errorf("remove what was there before: %w", err)
		}
	}
	if err := haveRoom(filepath.Dir(t.at), 0); err != nil {
		return nil, err
	}
	if t.copies {
		return nil, t.copy("")
	}
	if err := t.layOut(); err != nil {
		return nil, err
	}
	d, err := t.enter(c)
	if err == nil {
		return d, nil
	}
	if err := errors.Join(os.RemoveAll(t.backing()), os.RemoveAll(t.at)); err != nil {
		return nil, err
	}
	return nil, t.copy(fmt.Sprintf(", since this node has no overlay in a user namespace: %v", err))
}

// enter starts a program in namespaces of its own, in the overlay.
func (t *ownTree) enter(c command) (*door, error) {
	uid, gid := t.uid, t.gid
	if gid < 0 {
		gid = os.Getegid()
	}
	return c.knock(orders{Lower: t.from, Upper: t.upper(), Work: t.work(), At: t.at, UID: t.uid, GID: t.gid}, &syscall.SysProcAttr{
		Cloneflags:                 syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings:                []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}},
		GidMappings:                []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}},
		GidMappingsEnableSetgroups: t.gid >= 0,
		AmbientCaps:                enterCapabilities,
	})
}

// asOwner are the orders of a program in a copy.
func (t *ownTree) asOwner() orders {
	if t.gid < 0 {
		return orders{At: t.at, UID: -1, GID: -1}
	}
	return orders{At: t.at, UID: t.uid, GID: t.gid}
}

// layOut makes the directories of an overlay. Only its owner can put anything into
// an upper directory of another, so that is the project's; what leads there is not.
func (t *ownTree) layOut() error {
	for _, d := range []struct {
		path     string
		uid, gid int
		mode     os.FileMode
	}{
		{t.at, 0, 0, 0o755}, {t.backing(), 0, 0, 0o700}, {t.upper(), t.uid, t.gid, 0o750}, {t.work(), t.uid, t.gid, 0o700},
	} {
		if err := os.Mkdir(d.path, d.mode); err != nil {
			return fmt.Errorf("make room for the code: %w", err)
		}
		if t.gid >= 0 {
			if err := os.Lchown(d.path, d.uid, d.gid); err != nil {
				return fmt.Errorf("make room for the code: %w", err)
			}
		}
		if err := os.Chmod(d.path, d.mode); err != nil { // whatever the umask
			return fmt.Errorf("make room for the code: %w", err)
		}
	}
	return nil
}
