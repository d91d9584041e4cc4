// Package archive unpacks trees, layers and static files on a node, packs what a build
// has made, and computes the digest of what is on the disk. Archives may be anybody's:
// nothing of one leads out of the directory that it is unpacked in, or grows without end.
package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/compiler/source"
)

// limits bound what an archive may become, counted while it streams: no header
// is believed.
type limits struct {
	entries int
	bytes   int64
}

// The limits of a tree are those of a push. A layer is made by the platform but
// from strangers' packages, of which the largest are gigabytes.
var (
	treeLimits  = limits{entries: source.MaxFiles, bytes: source.MaxTreeSize}
	layerLimits = limits{entries: 500_000, bytes: 16 << 30}
)

// CompleteMarker is the file that says that a layer in the cache is whole.
const CompleteMarker = ".complete"

const (
	maxPath    = 1024
	maxSegment = 255
	maxDepth   = 64
	// maxWindow bounds the decoder's memory. Encoders use 8 MiB unless told to
	// squeeze harder.
	maxWindow = 16 << 20
)

// extractor writes an archive below a directory. It makes each directory itself
// and follows no link, so a path of the archive is the path on disk.
type extractor struct {
	root *os.Root
	// uid and gid own what is written; gid -1 leaves the owner as it is.
	uid, gid int
	limits   limits
	// node is where the platform's files of a node are: links may lead to its Pythons.
	node    string
	dirs    map[string]bool
	entries int
	bytes   int64
	buffer  []byte
}

func newExtractor(root *os.Root, gid int, l limits) *extractor {
	return &extractor{root: root, gid: gid, limits: l, dirs: map[string]bool{".": true}, buffer: make([]byte, 64<<10)}
}

// ExtractTree writes the files of a compressed tar of regular files below root
// and returns their manifest, made from the bytes that were written. A hard link
// names the digest of a file that is in have, where it is. The project owns the
// files, since an overlay can be written to only where its user may write; it is
// what leads to them that keeps the project away (cache).
func ExtractTree(root *os.Root, gid int, r io.Reader, have map[string]string) (source.Manifest, error) {
	x := newExtractor(root, gid, treeLimits)
	x.uid = gid
	m := source.Manifest{}
	err := x.each(r, func(h *tar.Header, content io.Reader) (err error) {
		var f source.File
		switch from, known := have[h.Linkname]; {
		case h.Typeflag == tar.TypeReg:
			f, err = x.file(h, content)
		case h.Typeflag == tar.TypeLink && known:
			f, err = x.share(h, from)
		default:
			return fmt.Errorf("%q is not a regular file (type %q)", h.Name, h.Typeflag)
		}
		m.Files = append(m.Files, f)
		return err
	})
	m.Sort()
	return m, err
}

// ExtractLayer writes a compressed tar of a virtual environment below root:
// files, directories, and links that stay in it or lead to the node's Python.
func ExtractLayer(root *os.Root, gid int, node string, r io.Reader) error {
	x := newExtractor(root, gid, layerLimits)
	x.node = node
	return x.each(r, func(h *tar.Header, content io.Reader) error {
		if h.Name == CompleteMarker {
			return fmt.Errorf("%q is the cache's own", h.Name)
		}
		switch h.Typeflag {
		case tar.TypeReg:
			_, err := x.file(h, content)
			return err
		case tar.TypeDir:
			return x.dir(h.Name)
		case tar.TypeSymlink:
			return x.link(h)
		}
		return fmt.Errorf("%q is not a file, directory or symbolic link (type %q)", h.Name, h.Typeflag)
	})
}

// each calls write for every entry whose name and place in the limits are right,
// and reads to the end, so that the archive's checksum is checked too.
func (x *extractor) each(r io.Reader, write func(*tar.Header, io.Reader) error) error {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxWindow), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return fmt.Errorf("open archive: %w", err)
	}
	defer z.Close()
	// Headers count as well: a stream of them is a bomb too.
	all := &capped{r: z, left: x.limits.bytes + int64(x.limits.entries)*4096}
	t := tar.NewReader(all)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			_, err := io.Copy(io.Discard, all)
			return err
		}
		if err != nil {
			return fmt.Errorf("read archive: %w", err)
		}
		if x.entries++; x.entries > x.limits.entries {
			return fmt.Errorf("archive has more than %d entries", x.limits.entries)
		}
		if h.Typeflag == tar.TypeDir {
			h.Name = strings.TrimSuffix(h.Name, "/")
		}
		if err := checkName(h); err != nil {
			return err
		}
		if err := write(h, t); err != nil {
			return err
		}
	}
}

func checkName(h *tar.Header) error {
	name := h.Name
	if !fs.ValidPath(name) || name == "." || strings.ContainsRune(name, 0) {
		return fmt.Errorf("%q is not a path inside the archive", name)
	}
	segments := strings.Split(name, "/")
	if len(name) > maxPath || len(segments) > maxDepth {
		return fmt.Errorf("%q is longer than %d bytes or deeper than %d directories", name, maxPath, maxDepth)
	}
	for _, s := range segments {
		if len(s) > maxSegment {
			return fmt.Errorf("%q has a name longer than %d bytes", name, maxSegment)
		}
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return fmt.Errorf("%q is a sparse file", name)
		}
	}
	return nil
}

var errTooLarge = errors.New("archive is larger than the limit")

// capped fails, other than io.LimitReader, when there is more than it may read.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}
