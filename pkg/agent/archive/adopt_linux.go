package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"syscall"
)

// Adopt makes a directory that the project's user filled root's: the project's
// group may read it, and nobody write. Each directory is taken before it is
// listed, so from then on nobody can exchange what is in it. gid -1 leaves the
// owner as it is.
func Adopt(dir string, uid, gid int) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return adoptDir(root, ".", uid, gid)
}

func adoptDir(root *os.Root, name string, uid, gid int) error {
	if err := take(root, name, gid, 0o750); err != nil {
		return err
	}
	d, err := root.Open(name)
	if err != nil {
		return err
	}
	entries, err := d.ReadDir(-1)
	if err := errors.Join(err, d.Close()); err != nil {
		return err
	}
	for _, e := range entries {
		if err := adoptEntry(root, path.Join(name, e.Name()), uid, gid); err != nil {
			return err
		}
	}
	return nil
}

func adoptEntry(root *os.Root, name string, uid, gid int) error {
	info, err := root.Lstat(name)
	if err != nil {
		return err
	}
	// A hard link to somebody else's file would give that file away.
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != uid {
		return fmt.Errorf("%q is not the project's own", name)
	}
	switch info.Mode().Type() {
	case fs.ModeDir:
		return adoptDir(root, name, uid, gid)
	case fs.ModeSymlink:
		if gid < 0 {
			return nil
		}
		return root.Lchown(name, 0, gid)
	case 0:
		return take(root, name, gid, FileMode(info.Mode()&0o111 != 0))
	}
	return fmt.Errorf("%q is a %s, which a layer cannot hold", name, info.Mode().Type())
}

func take(root *os.Root, name string, gid int, mode fs.FileMode) error {
	if gid >= 0 {
		if err := root.Lchown(name, 0, gid); err != nil {
			return err
		}
	}
	return root.Chmod(name, mode)
}
