package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/klauspost/compress/zstd"
)

// packWindow bounds what an agent needs to unpack a layer again.
const packWindow = 4 << 20

// packTime is the time of every file in an archive, so that the same layer gives
// the same bytes. It is the first that a zip can hold, which some tools need.
var packTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// PackLayer writes a layer as a compressed tar: files, directories and links in
// byte order of each directory, without the marker. Hard links become files.
func PackLayer(root *os.Root, node string, w io.Writer) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(packWindow))
	if err != nil {
		return fmt.Errorf("open archive: %w", err)
	}
	t := tar.NewWriter(z)
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." || name == CompleteMarker {
			return err
		}
		if err := packEntry(root, t, node, name, d); err != nil {
			return fmt.Errorf("pack %q: %w", name, err)
		}
		return nil
	})
	return errors.Join(err, t.Close(), z.Close())
}

func packEntry(root *os.Root, t *tar.Writer, node, name string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	h := &tar.Header{Name: name, Mode: int64(info.Mode().Perm()), ModTime: packTime, Format: tar.FormatPAX}
	switch info.Mode().Type() {
	case fs.ModeDir:
		h.Typeflag, h.Name = tar.TypeDir, name+"/"
		return t.WriteHeader(h)
	case fs.ModeSymlink:
		h.Typeflag, h.Mode = tar.TypeSymlink, 0o777
		if h.Linkname, err = root.Readlink(name); err != nil {
			return err
		}
		if err := checkLink(name, h.Linkname, node); err != nil {
			return err
		}
		return t.WriteHeader(h)
	case 0:
		h.Typeflag, h.Size = tar.TypeReg, info.Size()
		return packFile(root, t, h)
	}
	return fmt.Errorf("is a %s, which a layer cannot hold", info.Mode().Type())
}

func packFile(root *os.Root, t *tar.Writer, h *tar.Header) error {
	in, err := root.Open(h.Name)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.Copy(t, in)
	return err
}
