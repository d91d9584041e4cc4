package program

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/disk"
)

// copy copies the tree for the program. why is said with it.
func (t *OwnTree) copy(why string) error {
	start := time.Now()
	if err := disk.HaveRoom(filepath.Dir(t.At), t.Bytes); err != nil {
		return err
	}
	n, err := CopyTree(t.From, t.At, t.UID, t.GID, math.MaxInt64)
	if err != nil {
		return fmt.Errorf("copy the code: %w", err)
	}
	t.Log.Say("copied the code, %d files of %d bytes, in %s%s", n, t.Bytes, console.Since(start), why)
	return nil
}

// CopyTree copies a tree to a place where its project may write, but for files
// larger than the largest, and returns the number of them. Nothing of the project
// runs yet, so nobody is there to put a link in the way.
func CopyTree(from, to string, uid, gid int, largest int64) (files int, err error) {
	err = filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		switch info, err := d.Info(); {
		case err != nil:
			return err
		case d.IsDir():
			if err := os.Mkdir(target, 0o750); err != nil {
				return err
			}
		case info.Size() > largest:
			return nil
		default:
			files++
			if err := copyFile(path, target); err != nil {
				return err
			}
		}
		if gid < 0 {
			return nil
		}
		return os.Lchown(target, uid, gid)
	})
	return files, err
}

// copyFile copies one file, sharing its blocks where the file system can.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if unix.IoctlFileClone(int(out.Fd()), int(in.Fd())) != nil {
		if _, err := out.ReadFrom(in); err != nil { // copy_file_range
			return err
		}
	}
	return errors.Join(out.Chmod(info.Mode().Perm()), os.Chtimes(to, info.ModTime(), info.ModTime()))
}
