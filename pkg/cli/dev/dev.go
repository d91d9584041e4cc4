// Package dev is fngen dev: what pkg/dev does, shown at a terminal.
package dev

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/dotenv"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/cli/target"
	"fngen.dev/fngen/pkg/cli/tasks"
	"fngen.dev/fngen/pkg/dev"
	"fngen.dev/fngen/pkg/task"
	"fngen.dev/fngen/pkg/term"
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

A save starts the functions anew. The old ones serve until the new ones answer, and
code with faults changes nothing. Dependencies are installed by uv into .fngen/dev.

Environment variables come from the file .env, or that of --env.`,
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
	if a.JSON {
		return &exit.Usage{Message: "dev: --json is not there yet", Help: "its output is that of the functions"}
	}
	scanned, err := target.Scan(ctx, o.Path, source.Options{ListOnly: true})
	if err != nil {
		return err
	}
	project, _, err := target.ProjectOf("", scanned)
	if err != nil {
		return err
	}
	uv, err := dev.FindUV(ctx, scanned.Root, a.Getenv, a.Sayf)
	if errors.Is(err, dev.ErrNoUV) {
		return &exit.Usage{Message: "dev: " + err.Error(), Help: "install it: pip install uv"}
	}
	if err != nil {
		return err
	}
	d := &devRun{App: a, options: o, root: scanned.Root, project: cmp.Or(project, target.Unnamed)}
	if o.Python == "" {
		if d.pythons, err = dev.Pythons(ctx, uv); err != nil {
			return err
		}
	}
	return dev.Run(ctx, dev.Options{
		Root: scanned.Root, Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(o.Port)), Python: o.Python, UV: uv,
		Compile: d.compile, Variables: d.variables, Say: a.Sayf, Line: d.line,
		Fast: o.Fast, Task: d.task,
	}, d.listening)
}

// devRun is one run of fngen dev.
type devRun struct {
	*command.App
	options devOptions
	root    string
	project string
	address string
	// pythons are the versions that are on this machine, none for all that there are.
	pythons []string
	// told are the notes that were said, each once.
	told map[string]bool
	mu   sync.Mutex
}

func (d *devRun) listening(address string) {
	_, port, _ := net.SplitHostPort(address)
	d.address = "localhost:" + port
	_, _ = fmt.Fprintf(d.IO.Out, "http://%s\n", d.address)
	d.Sayf("Unlike the platform: one instance of each function, no TLS, no limits of memory. Ctrl-C ends it.")
}

// compile reads the tree as a push does, and shows what is wrong with it.
func (d *devRun) compile(ctx context.Context) (dev.Compiled, error) {
	scanned, err := target.Scan(ctx, d.options.Path, target.Indexed(d.Cache))
	if err != nil {
		d.Sayf("%v", err)
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
	if text := rendered(list, d.IO.Colour); d.once(text) {
		fmt.Fprint(d.IO.Err, text)
	}
	if list.HasErrors() {
		return dev.Compiled{}, exit.Refused(list, "")
	}
	d.introduce(project)
	return dev.Compiled{Project: project, Digest: digestOf(scanned)}, nil
}

func rendered(list diag.List, colour bool) string {
	var b strings.Builder
	_ = diag.Render(&b, list, colour)
	return b.String()
}

// introduce says how each function is reached.
func (d *devRun) introduce(p *ir.Project) {
	for _, f := range p.Functions {
		text := fmt.Sprintf("%s: fngen run_task --dev %s PAYLOAD", f.Name, f.Name)
		if f.WebApp != nil {
			text = fmt.Sprintf("%s: http://%s.%s", f.Name, f.WebApp.Hosts[len(f.WebApp.Hosts)-1], d.address)
		}
		if d.once(text) {
			d.Sayf("%s", text)
		}
	}
}

// once reports whether a text is new; code with faults that is saved again, and with
// other faults in between, is told again.
func (d *devRun) once(text string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.told == nil {
		d.told = map[string]bool{}
	}
	known := d.told[text]
	d.told[text] = true
	return !known
}

// digestOf is that of the files whose change has to be served.
func digestOf(s *source.Scanned) string {
	h := sha256.New()
	for _, f := range s.Files {
		if dev.Serves(f.Path) {
			fmt.Fprintf(h, "%q %s\n", f.Path, f.SHA256)
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil))
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
		return nil, errors.New(strings.TrimRight(rendered(faults, false), "\n"))
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name+"="+e.Value)
	}
	return out, nil
}

// line prints a line of a function's output.
func (d *devRun) line(function, line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(d.IO.Err, "%s %s\n", d.IO.Paint(term.Dim, function+" |"), term.Escape(line))
}

// task tells what becomes of a task.
func (d *devRun) task(e task.Event) {
	text, style := fmt.Sprintf("task %s %s", e.ID, e.State), term.Dim
	switch {
	case e.State == task.Succeeded:
		text += fmt.Sprintf(" after %.2f s", e.At.Sub(e.StartedAt).Seconds())
	case e.Error != nil:
		style = term.Red
		text += ": " + tasks.ErrorText(e.Error)
		if e.State == task.Retrying {
			style = term.Yellow
			text += fmt.Sprintf("; attempt %d in %.0f s", e.Attempt+1, e.NextAt.Sub(e.At).Seconds())
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(d.IO.Err, "%s %s\n", d.IO.Paint(term.Dim, e.Function+" |"), d.IO.Paint(style, term.Escape(text)))
}
