package cache

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
	"fngen.dev/fngen/pkg/agent/controlplane"
	"fngen.dev/fngen/pkg/agent/program"
	"fngen.dev/fngen/pkg/api"
)

// liveStaticTime is how long the start of an instance may wait for static files
// that are not its own.
const liveStaticTime = 20 * time.Second

// Fetcher brings trees, layers and static files into the cache.
type Fetcher struct {
	Cache  *Cache
	Client *controlplane.Client
	Log    console.Logger
}

// Tree returns a verified tree and the lock that keeps it. A tree that is there already is read and verified again, which costs little
// beside starting Python, and finds what a crash of the machine left half
// written. Its large files are verified once in a run of the machine (proof).
func (f *Fetcher) Tree(ctx context.Context, t *Target) (*program.OwnTree, *os.File, error) {
	own := &program.OwnTree{
		From: f.Cache.Path(trees, t.treeHex()), At: t.App, UID: t.UID, GID: f.Cache.GID, Copies: t.copies, Log: f.Log,
	}
	present := func() bool {
		proof := readProof(f.Cache.proof(t.treeHex()))
		m, err := archive.ManifestOf(own.From, proof)
		if err != nil {
			return false
		}
		if m.Digest() != t.Tree {
			f.Log.Say("%s in the cache is damaged: fetching it again", t.Tree)
			return false
		}
		own.Bytes = m.Size()
		f.keepProof(proof, t)
		return true
	}
	lock, err := f.Cache.Hold(ctx, trees, t.treeHex(), present, func() error { return f.fillTree(ctx, t, own.From) })
	return own, lock, err
}

func (f *Fetcher) fillTree(ctx context.Context, t *Target, dir string) error {
	start, part := time.Now(), f.Cache.temporary(trees, t.treeHex())
	defer os.RemoveAll(part)
	var m source.Manifest
	have := f.Cache.share()
	defer have.close()
	err := f.Client.Get(ctx, "/v1/agent/trees/"+t.treeHex()+have.query(), func(h http.Header, r io.Reader) error {
		if err := f.Cache.makeRoom(trees, h.Get(api.TreeBytesHeader)); err != nil {
			return err
		}
		return f.extract(part, func(root *os.Root) (err error) {
			m, err = archive.ExtractTree(root, f.Cache.GID, r, have.paths)
			return err
		})
	})
	if err != nil {
		return err
	}
	if digest := m.Digest(); digest != t.Tree {
		return fmt.Errorf("fetch tree %s: what was sent has the digest %s", t.Tree, digest)
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.Rename(part, dir); err != nil {
		return fmt.Errorf("name tree: %w", err)
	}
	proof := readProof(f.Cache.proof(t.treeHex()))
	if err := proof.written(dir, m); err != nil {
		return fmt.Errorf("name tree: %w", err)
	}
	f.keepProof(proof, t)
	f.Log.Say("fetched tree %s: %d files, %d bytes, in %s", t.Tree, len(m.Files), m.Size(), console.Since(start))
	f.Cache.Prune(trees, keepTrees)
	f.Cache.Prune(rootTrees, 0)
	return nil
}

// keepProof makes the next start faster; no more.
func (f *Fetcher) keepProof(p *proof, t *Target) {
	if err := p.write(f.Cache.proof(t.treeHex())); err != nil {
		f.Log.Say("note that tree %s was verified: %v", t.Tree, err)
	}
}

// Layer returns the directory of a complete layer and the lock that keeps it.
func (f *Fetcher) Layer(ctx context.Context, t *Target) (string, *os.File, error) {
	dir := f.Cache.Path(Layers, t.Layer)
	present := func() bool { return IsComplete(dir) }
	lock, err := f.Cache.Hold(ctx, Layers, t.Layer, present, func() error { return f.fillLayer(ctx, t, dir) })
	return dir, lock, err
}

func (f *Fetcher) fillLayer(ctx context.Context, t *Target, dir string) error {
	start := time.Now()
	err := f.Client.Get(ctx, controlplane.LayerPath(t.Layer), func(_ http.Header, r io.Reader) error {
		return f.extract(dir, func(root *os.Root) error { return archive.ExtractLayer(root, f.Cache.GID, t.Node, r) })
	})
	if err == nil {
		err = Complete(dir, f.Cache.GID)
	}
	if err != nil {
		return errors.Join(err, f.Cache.Clear(Layers, t.Layer))
	}
	f.Log.Say("fetched layer %s in %s", t.Layer, console.Since(start))
	f.Cache.Prune(Layers, KeepLayers)
	return nil
}

// Static returns the directory of static files and the lock that keeps it.
func (f *Fetcher) Static(ctx context.Context, key string) (string, *os.File, error) {
	dir := f.Cache.Path(statics, key)
	present := func() bool { _, err := os.Lstat(dir); return err == nil }
	lock, err := f.Cache.Hold(ctx, statics, key, present, func() error { return f.fillStatic(ctx, key, dir) })
	return dir, lock, err
}

// LiveStatic brings the static files of the live release beside those of key, and
// returns the locks that keep them. While one replaces the other, old pages ask
// new instances for their files. That is not worth a failed start.
func (f *Fetcher) LiveStatic(ctx context.Context, key string) []*os.File {
	ctx, cancel := context.WithTimeout(ctx, liveStaticTime)
	defer cancel()
	var live api.LiveStatic
	err := f.Client.Do(ctx, http.MethodGet, "/v1/agent/static", nil, func(_ http.Header, r io.Reader) error {
		return json.NewDecoder(io.LimitReader(r, 64<<10)).Decode(&live)
	})
	if err != nil {
		f.Log.Say("ask for the static files of the live release: %v", err)
		return nil
	}
	var locks []*os.File
	for _, other := range live.Keys {
		if other == key || !LayerKey.MatchString(other) {
			continue
		}
		_, lock, err := f.Static(ctx, other)
		if err != nil {
			f.Log.Say("the static files of the live release: %v", err)
			continue
		}
		locks = append(locks, lock)
	}
	return locks
}

func (f *Fetcher) fillStatic(ctx context.Context, key, dir string) error {
	start, part := time.Now(), f.Cache.temporary(statics, key)
	defer os.RemoveAll(part)
	err := f.Client.Get(ctx, controlplane.LayerPath(key), func(h http.Header, r io.Reader) error {
		collected, err := http.ParseTime(h.Get("Last-Modified"))
		if err != nil {
			return fmt.Errorf("read the time of static files: %w", err)
		}
		return f.extract(part, func(root *os.Root) error { return archive.ExtractStatic(root, f.Cache.GID, r, collected) })
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
	f.Log.Say("fetched static files %s in %s", key, console.Since(start))
	f.Cache.Prune(statics, keepStatics)
	return nil
}

// extract calls fill with the new, empty directory dir.
func (f *Fetcher) extract(dir string, fill func(*os.Root) error) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := f.Cache.Own(dir, 0, f.Cache.GID, 0o750); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fill(root)
}

// IsComplete looks for the marker. During a build the directory is the
// project's, so a marker counts only when it is ours.
func IsComplete(dir string) bool {
	var st unix.Stat_t
	err := unix.Lstat(filepath.Join(dir, archive.CompleteMarker), &st)
	return err == nil && int(st.Uid) == os.Geteuid() && st.Mode&unix.S_IFMT == unix.S_IFREG
}

// Complete writes a layer's marker, after everything else is on the disk: a
// layer is never verified again.
func Complete(dir string, gid int) error {
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
