package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"fngen.dev/fngen/pkg/agent/archive"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/api"
)

// errCollect marks that the project's own code or files are at fault.
var errCollect = errors.New("the static files cannot be collected")

// collect has the project's code collect its static files, or say what its task workers
// take, and stores that.
func collect(ctx context.Context, o *collectOptions, env environ, signals <-chan os.Signal, log console.Logger) int {
	err := collectAndStore(ctx, o, env, signals, log)
	if code, stopped := stoppedBy(ctx, signals); stopped && err != nil {
		log.Say("stopped while static files were collected")
		return code
	}
	if err == nil {
		return 0
	}
	log.Say("%v", err)
	if errors.Is(err, errCollect) {
		return console.ExitRefused
	}
	return console.ExitFailed
}

func collectAndStore(ctx context.Context, o *collectOptions, env environ, signals <-chan os.Signal, log console.Logger) error {
	// The person reads what is said here among what their code prints, so only what
	// ends it is said.
	silent := console.Logger{W: io.Discard}
	p, err := o.fetch(ctx, silent)
	defer p.close()
	if err != nil {
		return err
	}
	store, client, err := prepare(&o.target, silent)
	if err != nil {
		return err
	}
	// Beside the home directory and not in it: what is above is root's, so that the
	// project cannot put a link in its place.
	dir := filepath.Join(filepath.Dir(o.home), "static")
	if err := store.own(dir, o.uid, store.gid, 0o700); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	c := o.command(p, dir, env)
	c.user, c.tasks, c.disk = credential(o.uid, store.gid), &tasks{uid: o.uid, log: log}, o.bound(p.tree, log)
	c.disk.stay = append(c.disk.stay, dir)
	if err := o.bootable(c); err != nil {
		return err
	}
	status, err := run(c, signals)
	switch {
	case err != nil:
		return err
	case status.Signaled():
		return fmt.Errorf("%w: Python %s", errCollect, console.Ending(status))
	case status.ExitStatus() != 0:
		return fmt.Errorf("%w: it %s", errCollect, console.Ending(status))
	}
	return storeStatic(ctx, client, o, store.gid, dir)
}

// command is the Python process that collects.
func (o *collectOptions) command(p *place, dir string, env environ) command {
	e := o.environment(p, env).with("FNGEN_CAUSE", p.cause)
	for _, name := range o.placeholders {
		e = e.withDefault(name, rand.Text())
	}
	if len(o.workers) > 0 {
		return o.boot(p, e, append([]string{"schemas", dir}, o.workers...)...)
	}
	return o.boot(p, e, "collect", o.settings, dir)
}

// fetchStatic brings static files to the node's cache, where the instances of the
// release before find them.
func fetchStatic(ctx context.Context, o *fetchOptions, log console.Logger) int {
	store, client, err := prepare(&o.target, log)
	f := &fetcher{cache: store, client: client, log: log}
	for i := 0; err == nil && i < len(o.keys); i++ {
		var lock *os.File
		if _, lock, err = f.static(ctx, o.keys[i]); err == nil {
			lock.Close()
		}
	}
	if err != nil {
		log.Say("fetch failed: %v", err)
		return console.ExitFailed
	}
	return 0
}

// storeStatic sends what is in a directory that the project filled. Nothing of the
// project's runs any more, and it is made root's before it is read.
func storeStatic(ctx context.Context, client *client, o *collectOptions, gid int, dir string) error {
	if err := archive.Adopt(dir, o.uid, gid); err != nil {
		return fmt.Errorf("%w: %w", errCollect, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := archive.CheckStatic(root); err != nil {
		return fmt.Errorf("%w: %w", errCollect, err)
	}
	err = client.put(ctx, layerPath(o.key), nil, func(w io.Writer) error { return archive.PackLayer(root, o.node, w) })
	if p := (*api.Problem)(nil); errors.As(err, &p) && p.Code == api.Exists {
		return nil
	}
	return err
}
