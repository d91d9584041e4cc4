package agent

import (
	"io/fs"
	"os"
	"path/filepath"
)

// copyTree copies a tree to a place where its project may write. Nothing of the
// project runs yet, so nobody is there to put a link in the way.
func copyTree(from, to string, uid, gid int) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	return filepath.WalkDir(to, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if gid < 0 {
			return nil
		}
		return os.Lchown(path, uid, gid)
	})
}
