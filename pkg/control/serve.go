package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/health"
	"fngen.dev/fngen/pkg/server"
	"fngen.dev/fngen/pkg/server/taskroutes"
	"fngen.dev/fngen/pkg/server/workload"
	"fngen.dev/fngen/pkg/store"
)

const (
	// memoryGoal makes the collector work harder before the process grows over
	// it. GOMEMLIMIT overrides it.
	memoryGoal = 60 << 20
	// patience is how long pushes may go on after the signal to end, and
	// farewell how long their streams then have. Together they stay below the
	// kill_timeout of jobs/platform/fngend.nomad.hcl.
	patience = 15 * time.Second
	farewell = 5 * time.Second
)

// deployer is what serving needs of package deploy.
type deployer interface {
	server.Deployer
	// Recover is called once, before the first request.
	Recover(ctx context.Context) error
	// Schema is what a function of a release takes.
	Schema(ctx context.Context, p store.Project, release int, function string) ([]byte, error)
	// EmptyServers is called once, after Recover; it goes on until Stop.
	EmptyServers()
	// Stop ends what goes on, and waits for it.
	Stop()
}

type deployerFactory func(ctx context.Context, c Config, s *store.Store, b *blob.Dir, with parts, log *slog.Logger) (deployer, error)

func newCmdServe(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Run the control plane", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context()) },
	}
}

// serve runs until ctx ends.
func (a *app) serve(ctx context.Context) error {
	c, err := readConfig(a.getenv)
	if err != nil {
		return err
	}
	if a.getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryGoal)
	}
	log := slog.New(slog.NewJSONHandler(a.err, nil))
	return a.withStore(ctx, func(s *store.Store) error {
		blobs, err := blob.Open(filepath.Join(c.Data, blobsDir))
		if err != nil {
			return err
		}
		return errors.Join(a.serveWith(ctx, c, s, blobs, log), blobs.Close())
	})
}

func (a *app) serveWith(ctx context.Context, c Config, s *store.Store, blobs *blob.Dir, log *slog.Logger) error {
	book, err := openLogbook(c, log)
	if err != nil {
		return fmt.Errorf("open logs: %w", err)
	}
	defer book.close()
	scheduler, err := nomad.New(c.NomadAddr, c.NomadToken)
	if err != nil {
		return err
	}
	checks, err := health.New(c.ConsulAddr, c.ConsulToken)
	if err != nil {
		return err
	}
	work, err := newDispatch(ctx, c, s, scheduler, log)
	if err != nil {
		return fmt.Errorf("start dispatch: %w", err)
	}
	d, err := a.deployer(ctx, c, s, blobs, parts{book.journal(), work}, log)
	if err != nil {
		return fmt.Errorf("start deployer: %w", err)
	}
	var sender taskroutes.Tasks
	if work != nil {
		sender, work.Schemas = work, d
		if err := work.Start(ctx); err != nil {
			return fmt.Errorf("start dispatch: %w", err)
		}
		defer work.Stop() // after the requests and changes that use it
	}
	defer d.Stop()
	if err := d.Recover(ctx); err != nil {
		return err
	}
	d.EmptyServers()
	transport, err := api.NewTransport(c.CACert)
	if err != nil {
		return err
	}
	options := server.Options{
		Store: s, Blobs: blobs, Deployer: d, Tasks: sender, Log: log, Version: api.Version, Quota: c.Quota, Reserve: c.Reserve, Proxies: c.Proxies, Daily: c.Daily, Projects: c.Projects,
		Allocations: scheduler,
		Workloads:   workload.NewVerifier(c.NomadAddr, &http.Client{Transport: transport}),
		DailyLog:    c.DailyLog,
	}
	book.serve(&options, scheduler)
	h := server.New(options)
	l, err := server.Start(ctx, c.Listen, h, log)
	if err != nil {
		return err
	}
	var sweeper sync.WaitGroup
	defer sweeper.Wait()
	sweeping, end := context.WithCancel(ctx)
	defer end()
	sweeper.Go(func() { h.Sweeper().Run(sweeping) })
	sweeper.Go(func() { book.run(sweeping) })
	sweeper.Go(func() { book.watch(sweeping, scheduler, checks, s, log) })
	select {
	case err := <-l.Failed():
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	log.Info("stopping")
	return a.stop(context.WithoutCancel(ctx), l, d)
}

// stop lets requests end, then ends the pushes, whose streams end with them,
// then cuts what is left.
func (a *app) stop(ctx context.Context, l *server.Listener, d deployer) error {
	pushes, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	defer context.AfterFunc(pushes, d.Stop)()
	whole, cancel := context.WithTimeout(ctx, a.patience+a.farewell)
	defer cancel()
	return l.Stop(whole)
}
