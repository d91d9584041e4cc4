// Package dev is fngen dev: what pkg/dev does, shown at a terminal.
package dev

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/dotenv"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/cli/target"
	"fngen.dev/fngen/pkg/dev"
	"fngen.dev/fngen/pkg/dev/console"
)

type devOptions struct {
	Path, Env, Python string
	Port              int
	Fast              bool
}

// NewCmd is fngen dev.
func NewCmd(a *command.App) *cobra.Command {
	o := devOptions{Path: "."}
	cmd := &cobra.Command{
		Use:   "dev [PATH] [flags]",
		Short: "Run the code here, and again on each save",
		Long: `Run the code at PATH on this machine, without a platform: by the same compile and
the same runtime. The web app is on http://localhost:8000; with several, each is also
on http://FUNCTION--PROJECT.localhost:8000.

Tasks that the code sends by platform.run_task run here too, as do those of
"fngen run_task --dev" and of a POST to http://localhost:8000/.fngen/tasks/FUNCTION.

A save starts the functions anew whose modules changed. The old ones serve until the
new ones answer, and code with faults changes nothing. Dependencies are installed by
uv into .fngen/dev. At a terminal, r starts all anew, o opens the browser, t lists
tasks and q ends it; with --json each event is an object on a line of its own.

Environment variables come from the file .env, or that of --env. Those that the code
reads and nobody gives are warned of.`,
		Example: "  fngen dev\n  fngen dev --port 9000 --env .env.local my_website.py\n  fngen run_task --dev --wait process_order '{\"order_id\": 7}'",
		Args:    command.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.Path = args[0]
			}
			return runDev(cmd.Context(), a, o)
		},
	}
	cmd.Flags().IntVar(&o.Port, "port", 8000, "listen on port `N`; 0 for any that is free")
	cmd.Flags().StringVar(&o.Env, "env", "", "take environment variables from `FILE` (default .env, when there is one)")
	cmd.Flags().StringVar(&o.Python, "python", "", "use the interpreter at `PATH`, which has the dependencies, and install none")
	cmd.Flags().BoolVar(&o.Fast, "fast", false, "try a task that failed again after a second at most")
	return cmd
}

func runDev(ctx context.Context, a *command.App, o devOptions) error {
	scanned, err := target.Scan(ctx, o.Path, source.Options{ListOnly: true})
	if err != nil {
		return err
	}
	project, _, err := target.ProjectOf("", scanned)
	if err != nil {
		return err
	}
	d := &devRun{App: a, console: console.New(a.IO, a.JSON), options: o, root: scanned.Root, project: cmp.Or(project, target.Unnamed)}
	uv, err := dev.FindUV(ctx, scanned.Root, a.Getenv, d.console.Say)
	if errors.Is(err, dev.ErrNoUV) {
		return &exit.Usage{Message: "dev: " + err.Error(), Help: "install it: pip install uv"}
	}
	if err != nil {
		return err
	}
	if o.Python == "" {
		if d.pythons, err = dev.Pythons(ctx, uv, scanned.Root); err != nil {
			return err
		}
	}
	return d.run(ctx, uv)
}

// devRun is one run of fngen dev.
type devRun struct {
	*command.App
	console *console.Console
	options devOptions
	root    string
	project string
	// pythons are the versions that are on this machine, none for all that there are.
	pythons []string
}

func (d *devRun) run(ctx context.Context, uv string) error {
	ctx, quit := context.WithCancel(ctx)
	defer quit()
	reload := make(chan struct{}, 1)
	keys := console.Keys{Browser: d.Getenv("BROWSER"), Quit: quit, Reload: func() {
		select {
		case reload <- struct{}{}:
		default: // it is asked for already
		}
	}}
	restore := func() {}
	defer func() { restore() }()
	return dev.Run(ctx, dev.Options{
		Root: d.root, Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(d.options.Port)), Python: d.options.Python, UV: uv,
		Compile: d.compile, Variables: d.variables, Fast: d.options.Fast, Reload: reload,
		Say: d.console.Say, Line: d.console.Line, Task: d.console.Task, Ready: d.console.Ready,
	}, func(address string) {
		d.console.Listening(address)
		restore = d.console.Listen(ctx, keys)
	})
}

// compile reads the tree as a push does, and shows what is wrong with it.
func (d *devRun) compile(ctx context.Context) (dev.Compiled, error) {
	scanned, err := target.Scan(ctx, d.options.Path, target.Indexed(d.Cache))
	if err != nil {
		d.console.Say("%v", err)
		return dev.Compiled{}, err
	}
	// By the Pythons that are here; for another one, which uv then fetches, only when
	// the code asks for it.
	in := compiler.Input{Tree: scanned.Tree, Project: d.project, Entry: scanned.Entry, Target: target.Offline()}
	all := in.Target.Pythons
	in.Target.Pythons = d.pythons
	project, list := compiler.Compile(ctx, in)
	if list.HasErrors() {
		in.Target.Pythons = all
		if other, fewer := compiler.Compile(ctx, in); !fewer.HasErrors() {
			project, list = other, fewer
		}
	}
	list = append(scanned.Diagnostics, list...).Sorted()
	if ctx.Err() != nil {
		return dev.Compiled{}, ctx.Err()
	}
	d.console.Diagnostics(list)
	if list.HasErrors() {
		return dev.Compiled{}, exit.Refused(list, "")
	}
	d.console.Introduce(project)
	if given, err := d.variables(); err == nil { // else it is told when they are needed
		d.console.Unset(project, append(given, os.Environ()...))
	}
	return dev.Compiled{Project: project, Files: servedFiles(scanned)}, nil
}

// servedFiles are the files whose change has to be served, with their digests.
func servedFiles(s *source.Scanned) map[string]string {
	out := map[string]string{}
	for _, f := range s.Files {
		if dev.Serves(f.Path) {
			out[f.Path] = f.SHA256
		}
	}
	return out
}

// variables reads those of the project, anew for each start.
func (d *devRun) variables() ([]string, error) {
	file := cmp.Or(d.options.Env, filepath.Join(d.root, ".env"))
	data, err := os.ReadFile(file)
	if os.IsNotExist(err) && d.options.Env == "" {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read environment: %w", err)
	}
	entries, faults := dotenv.Parse(file, data)
	if len(faults) > 0 {
		// By its own renderer: a diagnostic has the number of a line, and never its text.
		var b strings.Builder
		_ = diag.Render(&b, faults, false)
		return nil, errors.New(strings.TrimRight(b.String(), "\n"))
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name+"="+e.Value)
	}
	return out, nil
}
