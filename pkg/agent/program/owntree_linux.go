package program

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/disk"
)

// OwnTree is a tree of the cache of which one program gets a copy of its own, as
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
type OwnTree struct {
	From string
	At   string
	// Bytes is the size of the tree.
	Bytes int64
	// UID and gid own it; gid -1 leaves the owner as it is.
	UID, GID int
	// Copies asks for a copy without a try at anything better.
	Copies bool
	Log    console.Logger
}

func (t *OwnTree) backing() string { return filepath.Join(filepath.Dir(t.At), "."+filepath.Base(t.At)) }
func (t *OwnTree) upper() string   { return filepath.Join(t.backing(), "upper") }
func (t *OwnTree) work() string    { return filepath.Join(t.backing(), "work") }

// written is the directory that holds what the program writes.
func (t *OwnTree) written() string {
	if _, err := os.Stat(t.upper()); err == nil {
		return t.upper()
	}
	return t.At
}

// open makes the copy, and returns the program at the door of its namespace, or
// nil when the program is to be started as any other.
func (t *OwnTree) open(c Command) (*door, error) {
	for _, left := range []string{t.backing(), t.At} {
		if err := os.RemoveAll(left); err != nil {
			return nil, fmt.Errorf("remove what was there before: %w", err)
		}
	}
	if err := disk.HaveRoom(filepath.Dir(t.At), 0); err != nil {
		return nil, err
	}
	if t.Copies {
		return nil, t.copy("")
	}
	if err := t.layOut(); err != nil {
		return nil, err
	}
	d, err := t.enter(c)
	if err == nil {
		return d, nil
	}
	if err := errors.Join(os.RemoveAll(t.backing()), os.RemoveAll(t.At)); err != nil {
		return nil, err
	}
	return nil, t.copy(fmt.Sprintf(", since this node has no overlay in a user namespace: %v", err))
}

// enter starts a program in namespaces of its own, in the overlay.
func (t *OwnTree) enter(c Command) (*door, error) {
	uid, gid := t.UID, t.GID
	if gid < 0 {
		gid = os.Getegid()
	}
	return c.knock(orders{Lower: t.From, Upper: t.upper(), Work: t.work(), At: t.At, UID: t.UID, GID: t.GID}, &syscall.SysProcAttr{
		Cloneflags:                 syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings:                []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}},
		GidMappings:                []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}},
		GidMappingsEnableSetgroups: t.GID >= 0,
		AmbientCaps:                enterCapabilities,
	})
}

// asOwner are the orders of a program in a copy.
func (t *OwnTree) asOwner() orders {
	if t.GID < 0 {
		return orders{At: t.At, UID: -1, GID: -1}
	}
	return orders{At: t.At, UID: t.UID, GID: t.GID}
}

// layOut makes the directories of an overlay. Only its owner can put anything into
// an upper directory of another, so that is the project's; what leads there is not.
func (t *OwnTree) layOut() error {
	for _, d := range []struct {
		path     string
		uid, gid int
		mode     os.FileMode
	}{
		{t.At, 0, 0, 0o755}, {t.backing(), 0, 0, 0o700}, {t.upper(), t.UID, t.GID, 0o750}, {t.work(), t.UID, t.GID, 0o700},
	} {
		if err := os.Mkdir(d.path, d.mode); err != nil {
			return fmt.Errorf("make room for the code: %w", err)
		}
		if t.GID >= 0 {
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
