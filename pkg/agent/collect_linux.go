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
	"fngen.dev/fngen/pkg/agent/cache"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/controlplane"
	"fngen.dev/fngen/pkg/agent/environ"
	"fngen.dev/fngen/pkg/agent/instance"
	"fngen.dev/fngen/pkg/agent/program"
	"fngen.dev/fngen/pkg/api"
)

// What marks that the project's own code or files are at fault, in the words of each job.
// The control plane knows them (pkg/deploy/postmortem/printed.go).
var (
	errCollect = errors.New("the static files cannot be collected")
	errImport  = errors.New("the task workers cannot be imported")
)

// refused is that of the job.
func (o *collectOptions) refused() error {
	if len(o.workers) > 0 {
		return errImport
	}
	return errCollect
}

// collect has the project's code collect its static files, or say what its task workers
// take, and stores that.
func collect(ctx context.Context, o *collectOptions, env environ.Vars, signals <-chan os.Signal, log console.Logger) int {
	err := collectAndStore(ctx, o, env, signals, log)
	if code, stopped := program.StoppedBy(ctx, signals); stopped && err != nil {
		if len(o.workers) > 0 {
			log.Say("stopped while the task workers were imported")
		} else {
			log.Say("stopped while static files were collected")
		}
		return code
	}
	if err == nil {
		return 0
	}
	log.Say("%v", err)
	if errors.Is(err, o.refused()) {
		return console.ExitRefused
	}
	return console.ExitFailed
}

func collectAndStore(ctx context.Context, o *collectOptions, env environ.Vars, signals <-chan os.Signal, log console.Logger) error {
	// The person reads what is said here among what their code prints, so only what
	// ends it is said.
	silent := console.Logger{W: io.Discard}
	p, err := o.Fetch(ctx, silent)
	defer p.Close()
	if err != nil {
		return err
	}
	store, client, err := cache.Prepare(&o.Target, silent)
	if err != nil {
		return err
	}
	// Beside the home directory and not in it: what is above is root's, so that the
	// project cannot put a link in its place.
	dir := filepath.Join(filepath.Dir(o.Home), "static")
	if err := store.Own(dir, o.UID, store.GID, 0o700); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	c := o.command(p, dir, env)
	c.User, c.Threads, c.Disk = program.Credential(o.UID, store.GID), &program.Threads{UID: o.UID, Log: log}, o.Bound(p.Tree, log)
	c.Disk.Stay = append(c.Disk.Stay, dir)
	if err := o.Bootable(c); err != nil {
		return err
	}
	status, err := program.Run(c, signals)
	switch {
	case err != nil:
		return err
	case status.Signaled():
		return fmt.Errorf("%w: Python %s", o.refused(), console.Ending(status))
	case status.ExitStatus() != 0:
		return fmt.Errorf("%w: it %s", o.refused(), console.Ending(status))
	}
	return storeStatic(ctx, client, o, store.GID, dir)
}

// command is the Python process that collects.
func (o *collectOptions) command(p *instance.Place, dir string, env environ.Vars) program.Command {
	e := o.Environment(p, env).With("FNGEN_CAUSE", p.Cause)
	for _, name := range o.placeholders {
		e = e.WithDefault(name, rand.Text())
	}
	if len(o.workers) > 0 {
		return o.Boot(p, e, append([]string{"schemas", dir}, o.workers...)...)
	}
	return o.Boot(p, e, "collect", o.settings, dir)
}

// fetchStatic brings static files to the node's cache, where the instances of the
// release before find them.
func fetchStatic(ctx context.Context, o *fetchOptions, log console.Logger) int {
	store, client, err := cache.Prepare(&o.Target, log)
	f := &cache.Fetcher{Cache: store, Client: client, Log: log}
	for i := 0; err == nil && i < len(o.keys); i++ {
		var lock *os.File
		if _, lock, err = f.Static(ctx, o.keys[i]); err == nil {
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
func storeStatic(ctx context.Context, client *controlplane.Client, o *collectOptions, gid int, dir string) error {
	if err := archive.Adopt(dir, o.UID, gid); err != nil {
		return fmt.Errorf("%w: %w", o.refused(), err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := archive.CheckStatic(root); err != nil {
		return fmt.Errorf("%w: %w", o.refused(), err)
	}
	err = client.Put(ctx, controlplane.LayerPath(o.key), nil, func(w io.Writer) error { return archive.PackLayer(root, o.Node, w) })
	if p := (*api.Problem)(nil); errors.As(err, &p) && p.Code == api.Exists {
		return nil
	}
	return err
}
