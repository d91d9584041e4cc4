package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// Static files are those of a tree, of its packages, and what is made of them: a
// few times as much as the most that a tree may be. An instance reads the list of
// them when it starts.
var staticLimits = limits{entries: 50_000, bytes: 1 << 30}

// CheckStatic refuses what extractStatic would refuse on each node, where nobody
// sees it: static files are what code of the project has made.
func CheckStatic(root *os.Root) error {
	left := staticLimits
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if err := checkName(&tar.Header{Name: name}); err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !d.IsDir() {
			if !d.Type().IsRegular() {
				return fmt.Errorf("%q is not a regular file", name)
			}
			left.bytes -= info.Size()
		}
		if left.entries--; left.entries < 0 || left.bytes < 0 {
			return fmt.Errorf("they are more than %d files and directories, or more than %d MB", staticLimits.entries, staticLimits.bytes>>20)
		}
		return nil
	})
}

// ExtractStatic writes an archive of static files below root: regular files and
// directories. All get one time, that of their collection: the archive has none,
// so that the same files are the same bytes, and a browser must see that a file
// may be another than before.
func ExtractStatic(root *os.Root, gid int, r io.Reader, collected time.Time) error {
	x := newExtractor(root, gid, staticLimits)
	return x.each(r, func(h *tar.Header, content io.Reader) error {
		if h.Typeflag == tar.TypeDir {
			return x.dir(h.Name)
		}
		if h.Typeflag != tar.TypeReg {
			return fmt.Errorf("%q is not a file or directory (type %q)", h.Name, h.Typeflag)
		}
		h.Mode = 0
		_, err := x.file(h, content)
		return errors.Join(err, root.Chtimes(h.Name, collected, collected))
	})
}
