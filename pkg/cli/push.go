package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/term"
)

type pushOptions struct {
	Project string
	Path    string
}

func newCmdPush(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "push [PROJECT] [PATH]",
		Short: "Put code online",
		Long: `Put the code at PATH online as PROJECT, and print the URLs.

PATH is a directory or one .py file; the default is this directory. PROJECT is,
when it is left out, the project of fngen.yml, else the one of the last push from
there. A single argument that exists as a file or directory is PATH.

Every fault that fngen can see in the code is shown at once and nothing is sent.
The old version serves until the new one answers: a push that fails changes
nothing.`,
		Example: "  fngen push my-website my_website.py\n  fngen push my-website ~/code/website\n  fngen push",
		Args:    maxArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			project, path, err := splitArgs(args)
			if err != nil {
				return err
			}
			return runPush(cmd.Context(), a, pushOptions{project, path})
		},
	}
}

// push is one push as it goes on.
type push struct {
	*app
	client   *api.Client
	progress *term.Progress
	path     string
	project  string

	platform api.Platform
	scanned  *source.Scanned
	digest   string
	missing  []string
	warnings diag.List

	started  time.Time
	timings  timings
	uploaded int64
}

// timings is where the time of a push went.
type timings struct {
	Scan    int64 `json:"scan"`
	Upload  int64 `json:"upload"`
	Layer   int64 `json:"layer"`
	Rollout int64 `json:"rollout"`
	Total   int64 `json:"total"`
}

func runPush(ctx context.Context, a *app, o pushOptions) error {
	client, err := a.client()
	if err != nil {
		return err
	}
	p := &push{app: a, client: client, project: o.Project, path: o.Path, started: time.Now(), progress: a.IO.NewProgress()}
	defer p.progress.Stop(false)
	if err := p.prepare(ctx); err != nil {
		return err
	}
	if err := p.upload(ctx); err != nil {
		return err
	}
	result, err := p.follow(ctx)
	if err != nil {
		return err
	}
	p.progress.Stop(true)
	if err := rememberProject(p.scanned.Root, p.project); err != nil {
		a.warnf("%v", err)
	}
	return p.report(result)
}

// prepare reads and compiles the tree, and asks the platform what it lacks. What
// it has and the tree are asked for at the same time: together they take one
// round trip when nothing changed.
func (p *push) prepare(ctx context.Context) error {
	p.progress.Begin("scan", "reading files")
	var missingErr error
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		p.platform, err = p.client.Platform(gctx)
		return err
	})
	g.Go(func() error {
		if err := p.scan(gctx); err != nil {
			return err
		}
		missingErr = p.askMissing(gctx)
		return nil
	})
	if err := g.Wait(); err != nil {
		return err
	}
	if err := p.compile(ctx); err != nil {
		return err // before missingErr: faults in the code come first
	}
	return missingErr
}

func (p *push) scan(ctx context.Context) (err error) {
	if p.scanned, err = scanPath(ctx, p.path, p.remember()); err != nil {
		return err
	}
	p.digest = p.scanned.Digest()
	p.timings.Scan = time.Since(p.started).Milliseconds()
	if p.project == "" {
		p.project, err = projectOf(p.scanned.Tree, p.scanned.Root)
	}
	return err
}

func noProject(path string) error {
	help := fmt.Sprintf("run: fngen push PROJECT %s\n", path)
	if ir.ValidProjectName(path) {
		help += fmt.Sprintf("or, if %s is the project, not the directory: fngen push %s .\n", path, path)
	}
	return &usageError{
		message: "which project is this? Neither the command nor fngen.yml says, and nothing was pushed from here before",
		help:    help + "or write \"project: NAME\" in fngen.yml (fngen projects lists yours, fngen create NAME makes one)",
	}
}

// askMissing sends the manifest, and keeps what the platform lacks. A tree or
// name with faults is not sent: compile says what they are.
func (p *push) askMissing(ctx context.Context) error {
	if p.scanned.Diagnostics.HasErrors() || !ir.ValidProjectName(p.project) {
		return nil
	}
	missing, err := p.client.Missing(ctx, p.project, p.scanned.Manifest)
	p.missing = missing.SHA256
	return notCreated(err, p.project)
}

// compile finds the faults before anything is sent. They come before a project
// that is not named: a fngen.yml with a fault may name it.
func (p *push) compile(ctx context.Context) error {
	name := p.project
	if name == "" {
		name = projectFromDirectory(p.scanned.Root)
	}
	_, list := compiler.Compile(ctx, compiler.Input{
		Tree: p.scanned.Tree, Project: name, Entry: p.scanned.Entry,
		Target: compiler.Target{Regions: p.platform.Regions, DefaultRegion: p.platform.DefaultRegion, Pythons: p.platform.Pythons},
	})
	list = append(p.scanned.Diagnostics, list...).Sorted()
	if list.HasErrors() {
		return refused(list, "; nothing was sent")
	}
	if p.project == "" {
		return noProject(p.path)
	}
	p.warnings = list
	return nil
}

// upload sends what the platform lacks, and offers the tree again: it keeps a
// tree only when it has all of it.
func (p *push) upload(ctx context.Context) error {
	if len(p.missing) == 0 {
		return nil
	}
	start := time.Now()
	p.progress.Begin("upload", "uploading "+count(len(p.missing), "file", "files"))
	n, err := p.client.UploadBlobs(ctx, p.project, p.digest, p.scanned.Tree, p.missing)
	p.uploaded = n
	if err == nil {
		err = p.askMissing(ctx)
	}
	p.timings.Upload = time.Since(start).Milliseconds()
	if err == nil && len(p.missing) > 0 {
		err = fmt.Errorf("the platform lacks %s that were sent; push again", count(len(p.missing), "file", "files"))
	}
	return err
}
