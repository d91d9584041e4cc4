package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"fngen.dev/fngen/compiler/installed"
	"fngen.dev/fngen/pkg/agent/archive"
	"fngen.dev/fngen/pkg/agent/cache"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/controlplane"
	"fngen.dev/fngen/pkg/agent/environ"
	"fngen.dev/fngen/pkg/agent/program"
	"fngen.dev/fngen/pkg/api"
)

// largestRequirements is the most that a file has which says what to install. A
// build that installs nothing from the tree itself gets no larger ones of it.
const largestRequirements = 16 << 20

// errRefused marks that uv refused the requirements.
var errRefused = errors.New("the requirements cannot be installed")

// Run makes a layer, unless it is in the cache, and stores it.
func Run(ctx context.Context, o *Options, env environ.Vars, signals <-chan os.Signal, log console.Logger) int {
	b := &builder{o: o, env: env, signals: signals, log: log}
	err := b.build(ctx)
	if code, stopped := program.StoppedBy(ctx, signals); stopped && err != nil {
		log.Say("build failed: stopped")
		return code
	}
	if err != nil {
		log.Say("build failed: %v", err)
		if errors.Is(err, errRefused) {
			return console.ExitRefused
		}
		return console.ExitFailed
	}
	return 0
}

type builder struct {
	o       *Options
	env     environ.Vars
	signals <-chan os.Signal
	log     console.Logger
	cache   *cache.Cache
	client  *controlplane.Client
	// built says that the layer is new, so that nobody can have it yet.
	built bool
}

func (b *builder) build(ctx context.Context) (err error) {
	if b.cache, b.client, err = cache.Prepare(&b.o.Target, b.log); err != nil {
		return err
	}
	f := &cache.Fetcher{Cache: b.cache, Client: b.client, Log: b.log}
	tree, treeLock, err := f.Tree(ctx, &b.o.Target)
	if err != nil {
		return err
	}
	defer treeLock.Close()
	dir := b.cache.Path(cache.Layers, b.o.Layer)
	present := func() bool { return cache.IsComplete(dir) }
	layerLock, err := b.cache.Hold(ctx, cache.Layers, b.o.Layer, present, func() error {
		if err := b.fill(ctx, tree, dir); err != nil {
			return errors.Join(err, b.cache.Clear(cache.Layers, b.o.Layer))
		}
		b.cache.Prune(cache.Layers, cache.KeepLayers)
		return nil
	})
	if err != nil {
		return err
	}
	defer layerLock.Close()
	return b.store(ctx, dir)
}

// fill makes the layer in its final place: a virtual environment cannot be moved.
func (b *builder) fill(ctx context.Context, tree *program.OwnTree, dir string) error {
	start := time.Now()
	if err := b.cache.Clear(cache.Layers, b.o.Layer); err != nil {
		return fmt.Errorf("remove what an earlier build left: %w", err)
	}
	for _, path := range []string{dir, b.o.Home} {
		if err := b.cache.Own(path, b.o.UID, b.cache.GID, 0o750); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
	}
	work := filepath.Join(b.o.Home, "tree")
	if err := os.RemoveAll(work); err != nil {
		return fmt.Errorf("copy tree: %w", err)
	}
	largest := int64(largestRequirements)
	if b.o.copyTree {
		largest = math.MaxInt64
	}
	if _, err := program.CopyTree(tree.From, work, b.o.UID, b.cache.GID, largest); err != nil {
		return fmt.Errorf("copy tree: %w", err)
	}
	closeUV, err := b.cache.OpenUV(ctx)
	if err != nil {
		return fmt.Errorf("open the cache of uv: %w", err)
	}
	defer closeUV()
	u, err := newUV(b.o, b.env, b.cache, work, dir, b.log)
	if err != nil {
		return err
	}
	if err := u.resolve(ctx, b.o.Python, b.signals, b.log); err != nil {
		return err
	}
	if err := u.install(b.signals); err != nil {
		return err
	}
	if err := archive.Adopt(dir, b.o.UID, b.cache.GID); err != nil {
		return fmt.Errorf("take over layer: %w", err)
	}
	if err := b.list(dir); err != nil {
		return err
	}
	// A marker that the project wrote would not count, and be in the way.
	if err := os.RemoveAll(filepath.Join(dir, archive.CompleteMarker)); err != nil {
		return err
	}
	if err := u.wanted.save(dir, b.cache.GID); err != nil {
		return fmt.Errorf("write sources of layer: %w", err)
	}
	if err := cache.Complete(dir, b.cache.GID); err != nil {
		return err
	}
	b.built = true
	b.log.Say("built layer %s in %s", b.o.Layer, console.Since(start))
	return nil
}

// list writes the modules into the layer that its Python can import, the runtime's
// among them, which are last on its path.
func (b *builder) list(dir string) error {
	modules, err := b.modules(dir)
	if err != nil {
		b.log.Say("%v", err) // nothing is concluded then, and the layer is as good
		modules = installed.Modules{Open: true}
	}
	path := filepath.Join(dir, installed.File)
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	if err := os.WriteFile(path, modules.Bytes(), 0o640); err != nil {
		return fmt.Errorf("list modules: %w", err)
	}
	if b.cache.GID < 0 {
		return nil
	}
	return os.Lchown(path, 0, b.cache.GID)
}

// modules looks as root at what the packages of strangers made: no link leads out of
// the layer.
func (b *builder) modules(dir string) (installed.Modules, error) {
	layer, err := os.OpenRoot(dir)
	if err != nil {
		return installed.Modules{}, err
	}
	defer layer.Close()
	site, err := layer.OpenRoot(filepath.Join("lib", "python"+b.o.Python, "site-packages"))
	if err != nil {
		return installed.Modules{}, err
	}
	defer site.Close()
	return installed.Of(site.FS(), os.DirFS(filepath.Join(b.o.Node, "runtime", b.o.Python)))
}

// store sends the layer to the control plane when it lacks it.
func (b *builder) store(ctx context.Context, dir string) error {
	path := controlplane.LayerPath(b.o.Layer)
	if !b.built {
		if has, err := b.client.Has(ctx, path); has || err != nil {
			return err
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	start := time.Now()
	sources, err := savedSources(root)
	if err != nil {
		return err
	}
	err = b.client.Put(ctx, path, sources, func(w io.Writer) error { return archive.PackLayer(root, b.o.Node, w) })
	if p := (*api.Problem)(nil); errors.As(err, &p) && p.Code == api.Exists {
		return nil // another build of the same key was faster
	}
	if err != nil {
		return err
	}
	b.log.Say("stored layer %s in %s", b.o.Layer, console.Since(start))
	return nil
}
