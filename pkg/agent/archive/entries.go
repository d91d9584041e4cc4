package archive

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/agent/nodefiles"
)

func (x *extractor) file(h *tar.Header, content io.Reader) (f source.File, err error) {
	if err := x.dir(path.Dir(h.Name)); err != nil {
		return f, err
	}
	// O_EXCL refuses a second entry of the same name.
	out, err := x.root.OpenFile(h.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return f, fmt.Errorf("write %q: %w", h.Name, err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	sum := sha256.New()
	n, err := io.CopyBuffer(io.MultiWriter(out, sum), &capped{r: content, left: x.limits.bytes - x.bytes}, x.buffer)
	if err != nil {
		return f, fmt.Errorf("write %q: %w", h.Name, err)
	}
	x.bytes += n
	f = source.File{
		Path: h.Name, Size: n, SHA256: hex.EncodeToString(sum.Sum(nil)), Executable: h.Mode&0o111 != 0,
	}
	if x.gid >= 0 {
		if err := out.Chown(x.uid, x.gid); err != nil {
			return f, err
		}
	}
	return f, out.Chmod(FileMode(f.Executable))
}

// share links to a file of another tree, which is what its digest says.
func (x *extractor) share(h *tar.Header, from string) (source.File, error) {
	f := source.File{Path: h.Name, SHA256: h.Linkname}
	if err := x.dir(path.Dir(h.Name)); err != nil {
		return f, err
	}
	// No link leads out of root: each directory was made here.
	to := filepath.Join(x.root.Name(), h.Name)
	if err := os.Link(from, to); err != nil {
		return f, fmt.Errorf("share %q: %w", h.Name, err)
	}
	info, err := os.Lstat(to)
	if err != nil {
		return f, err
	}
	f.Size = info.Size()
	if x.bytes += f.Size; x.bytes > x.limits.bytes {
		return f, errTooLarge
	}
	return f, nil
}

// FileMode is the mode of a file in a cache.
func FileMode(executable bool) fs.FileMode {
	if executable {
		return 0o750
	}
	return 0o640
}

// dir makes a directory and those above it. Mkdir refuses a name that a file or
// link has, so nothing is ever written through one.
func (x *extractor) dir(name string) error {
	if x.dirs[name] {
		return nil
	}
	if err := x.dir(path.Dir(name)); err != nil {
		return err
	}
	if err := x.root.Mkdir(name, 0o750); err != nil {
		return fmt.Errorf("make directory %q: %w", name, err)
	}
	x.dirs[name] = true
	if x.gid >= 0 {
		if err := x.root.Lchown(name, x.uid, x.gid); err != nil {
			return err
		}
	}
	return x.root.Chmod(name, 0o750) // whatever the umask
}

func (x *extractor) link(h *tar.Header) error {
	if err := checkLink(h.Name, h.Linkname, x.node); err != nil {
		return err
	}
	if err := x.dir(path.Dir(h.Name)); err != nil {
		return err
	}
	if err := x.root.Symlink(h.Linkname, h.Name); err != nil {
		return fmt.Errorf("make link %q: %w", h.Name, err)
	}
	if x.gid >= 0 {
		return x.root.Lchown(h.Name, x.uid, x.gid)
	}
	return nil
}

// checkLink accepts a link to the node's Python, or to a place in the archive.
// Such a target must be clean, that is, go up only at its beginning, where the
// directories are real: after another link, ".." may lead anywhere.
func checkLink(name, target, node string) error {
	if nodefiles.IsInterpreter(target, node) {
		return nil
	}
	inside := path.Join(path.Dir(name), target)
	if target == "" || path.IsAbs(target) || path.Clean(target) != target || strings.ContainsRune(target, 0) ||
		len(target) > maxPath || inside == ".." || strings.HasPrefix(inside, "../") {
		return fmt.Errorf("link %q leads out of the archive, to %q", name, target)
	}
	return nil
}
