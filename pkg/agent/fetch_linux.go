package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/agent/archive"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/api"
)

// liveStaticTime is how long the start of an instance may wait for static files
// that are not its own.
const liveStaticTime = 20 * time.Second

// fetcher brings trees, layers and static files into the cache.
type fetcher struct {
	cache  *cache
	client *client
	log    console.Logger
}

// tree returns a verified tree and the lock that keeps it. A tree that is there already is read and verified again, which costs little
// beside starting Python, and finds what a crash of the machine left half
// written. Its large files are verified once in a run of the machine (proof).
func (f *fetcher) tree(ctx context.Context, t *target) (*ownTree, *os.File, error) {
	own := &ownTree{
		from: f.cache.path(trees, t.treeHex()), at: t.app, uid: t.uid, gid: f.cache.gid, copies: t.copies, log: f.log,
	}
	present := func() bool {
		proof := readProof(f.cache.proof(t.treeHex()))
		m, err := archive.ManifestOf(own.from, proof)
		if err != nil {
			return false
		}
		if m.Digest() != t.tree {
			f.log.Say("%s in the cache is damaged: fetching it again", t.tree)
			return false
		}
		own.bytes = m.Size()
		f.keepProof(proof, t)
		return true
	}
	lock, err := f.cache.hold(ctx, trees, t.treeHex(), present, func() error { return f.fillTree(ctx, t, own.from) })
	return own, lock, err
}

func (f *fetcher) fillTree(ctx context.Context, t *target, dir string) error {
	start, part := time.Now(), f.cache.temporary(trees, t.treeHex())
	defer os.RemoveAll(part)
	var m source.Manifest
	have := f.cache.share()
	defer have.close()
	err := f.client.get(ctx, "/v1/agent/trees/"+t.treeHex()+have.query(), func(h http.Header, r io.Reader) error {
		if err := f.cache.makeRoom(trees, h.Get(api.TreeBytesHeader)); err != nil {
			return err
		}
		return f.extract(part, func(root *os.Root) (err error) {
			m, err = archive.ExtractTree(root, f.cache.gid, r, have.paths)
			return err
		})
	})
	if err != nil {
		return err
	}
	if digest := m.Digest(); digest != t.tree {
		return fmt.Errorf("fetch tree %s: what was sent has the digest %s", t.tree, digest)
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.Rename(part, dir); err != nil {
		return fmt.Errorf("name tree: %w", err)
	}
	proof := readProof(f.cache.proof(t.treeHex()))
	if err := proof.written(dir, m); err != nil {
		return fmt.Errorf("name tree: %w", err)
	}
	f.keepProof(proof, t)
	f.log.Say("fetched tree %s: %d files, %d bytes, in %s", t.tree, len(m.Files), m.Size(), console.Since(start))
	f.cache.prune(trees, keepTrees)
	f.cache.prune(rootTrees, 0)
	return nil
}

// keepProof makes the next start faster; no more.
func (f *fetcher) keepProof(p *proof, t *target) {
	if err := p.write(f.cache.proof(t.treeHex())); err != nil {
		f.log.Say("note that tree %s was verified: %v", t.tree, err)
	}
}

// layer returns the directory of a complete layer and the lock that keeps it.
func (f *fetcher) layer(ctx context.Context, t *target) (string, *os.File, error) {
	dir := f.cache.path(layers, t.layer)
	present := func() bool { return isComplete(dir) }
	lock, err := f.cache.hold(ctx, layers, t.layer, present, func() error { return f.fillLayer(ctx, t, dir) })
	return dir, lock, err
}

func (f *fetcher) fillLayer(ctx context.Context, t *target, dir string) error {
	start := time.Now()
	err := f.client.get(ctx, layerPath(t.layer), func(_ http.Header, r io.Reader) error {
		return f.extract(dir, func(root *os.Root) error { return archive.ExtractLayer(root, f.cache.gid, t.node, r) })
	})
	if err == nil {
		err = complete(dir, f.cache.gid)
	}
	if err != nil {
		return errors.Join(err, f.cache.clear(layers, t.layer))
	}
	f.log.Say("fetched layer %s in %s", t.layer, console.Since(start))
	f.cache.prune(layers, keepLayers)
	return nil
}

// static returns the directory of static files and the lock that keeps it.
func (f *fetcher) static(ctx context.Context, key string) (string, *os.File, error) {
	dir := f.cache.path(statics, key)
	present := func() bool { _, err := os.Lstat(dir); return err == nil }
	lock, err := f.cache.hold(ctx, statics, key, present, func() error { return f.fillStatic(ctx, key, dir) })
	return dir, lock, err
}

// liveStatic brings the static files of the live release beside those of key, and
// returns the locks that keep them. While one replaces the other, old pages ask
// new instances for their files. That is not worth a failed start.
func (f *fetcher) liveStatic(ctx context.Context, key string) []*os.File {
	ctx, cancel := context.WithTimeout(ctx, liveStaticTime)
	defer cancel()
	var live api.LiveStatic
	err := f.client.do(ctx, http.MethodGet, "/v1/agent/static", nil, func(_ http.Header, r io.Reader) error {
		return json.NewDecoder(io.LimitReader(r, 64<<10)).Decode(&live)
	})
	if err != nil {
		f.log.Say("ask for the static files of the live release: %v", err)
		return nil
	}
	var locks []*os.File
	for _, other := range live.Keys {
		if other == key || !layerKey.MatchString(other) {
			continue
		}
		_, lock, err := f.static(ctx, other)
		if err != nil {
			f.log.Say("the static files of the live release: %v", err)
			continue
		}
		locks = append(locks, lock)
	}
	return locks
}

func (f *fetcher) fillStatic(ctx context.Context, key, dir string) error {
	start, part := time.Now(), f.cache.temporary(statics, key)
	defer os.RemoveAll(part)
	err := f.client.get(ctx, layerPath(key), func(h http.Header, r io.Reader) error {
		collected, err := http.ParseTime(h.Get("Last-Modified"))
		if err != nil {
			return fmt.Errorf("read the time of static files: %w", err)
		}
		return f.extract(part, func(root *os.Root) error { return archive.ExtractStatic(root, f.cache.gid, r, collected) })
	})
	if err != nil {
		return err
	}
	// On the disk before they have their name: they are never verified again.
	if err := syncAll(part); err != nil {
		return err
	}
	if err := os.Rename(part, dir); err != nil {
		return fmt.Errorf("name static files: %w", err)
	}
	f.log.Say("fetched static files %s in %s", key, console.Since(start))
	f.cache.prune(statics, keepStatics)
	return nil
}

// extract calls fill with the new, empty directory dir.
func (f *fetcher) extract(dir string, fill func(*os.Root) error) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := f.cache.own(dir, 0, f.cache.gid, 0o750); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fill(root)
}

// isComplete looks for the marker. During a build the directory is the
// project's, so a marker counts only when it is ours.
func isComplete(dir string) bool {
	var st unix.Stat_t
	err := unix.Lstat(filepath.Join(dir, archive.CompleteMarker), &st)
	return err == nil && int(st.Uid) == os.Geteuid() && st.Mode&unix.S_IFMT == unix.S_IFREG
}

// complete writes a layer's marker, after everything else is on the disk: a
// layer is never verified again.
func complete(dir string, gid int) error {
	if err := syncAll(dir); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	marker, err := os.OpenFile(filepath.Join(dir, archive.CompleteMarker), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return fmt.Errorf("mark layer: %w", err)
	}
	if gid >= 0 {
		err = marker.Chown(0, gid)
	}
	if err := errors.Join(err, marker.Sync(), marker.Close(), d.Sync()); err != nil {
		return fmt.Errorf("mark layer: %w", err)
	}
	return nil
}

// syncAll waits until what was written is on the disk.
func syncAll(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := unix.Syncfs(int(d.Fd())); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}
