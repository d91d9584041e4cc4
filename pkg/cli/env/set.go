package env

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/change"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/cli/target"
	"fngen.dev/fngen/pkg/term"
)

// changeOptions are those of set_env and unset_env.
type changeOptions struct {
	Project string
	// Source is FILE, - or NAME.
	Source    string
	FromStdin bool
	NoRollout bool
	Newest    bool
}

// NewCmdSet is fngen set_env.
func NewCmdSet(a *command.App) *cobra.Command {
	o := changeOptions{}
	cmd := &cobra.Command{
		Use:   "set_env PROJECT FILE|NAME",
		Short: "Set environment variables of a project",
		Long: `Set the environment variables that FILE lists, in the form of a .env file; - is
standard input. Variables of the project that FILE does not name stay as they are.

With NAME, one variable is set: its value is asked for at the terminal, where it is
not shown, or read from standard input by --from-stdin, without the last line end. No
value is ever an argument, since arguments can be seen by others.

Values are kept where only the project's own functions can read them: not even the
platform shows them again. All functions, release commands and collectstatic get
them. What is live is rolled out with the new ones, as a release of its own, which
rollback can undo; --no-rollout leaves that to the next push.

Names are printed, one a line: + was added, ~ had a value before.`,
		Example: "  fngen set_env my-website .env\n  fngen set_env my-website STRIPE_SECRET_KEY\n  pass show stripe | fngen set_env my-website STRIPE_SECRET_KEY --from-stdin",
		Args:    setEnvArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Project, o.Source = args[0], args[1]
			return runSetEnv(cmd.Context(), a, o)
		},
	}
	cmd.Flags().BoolVar(&o.FromStdin, "from-stdin", false, "set NAME to what standard input has")
	changeFlags(cmd, &o)
	return cmd
}

func changeFlags(cmd *cobra.Command, o *changeOptions) {
	cmd.Flags().BoolVar(&o.NoRollout, "no-rollout", false, "leave what runs as it is; the next push takes them")
	cmd.Flags().BoolVar(&o.Newest, "newest", false, "build on the newest variables, also where a rollback has gone back from them")
}

// setEnvArgs refuses a value among the arguments without showing it again.
func setEnvArgs(cmd *cobra.Command, args []string) error {
	for i, arg := range args {
		if name, _, ok := strings.Cut(arg, "="); ok && i > 0 {
			return &exit.Usage{
				Message: fmt.Sprintf("set_env: the value of %.60q is on the command line, where others can see it and the shell keeps it", name),
				Help:    "leave it out, and it is asked for: fngen set_env PROJECT NAME\nif it was a real one, take it out of your shell's history",
			}
		}
	}
	return command.ExactArgs("PROJECT", "FILE or NAME")(cmd, args)
}

func runSetEnv(ctx context.Context, a *command.App, o changeOptions) error {
	if err := target.CheckProject(o.Project); err != nil {
		return err
	}
	if err := knowsSource(a, o); err != nil {
		return err
	}
	c, err := beginEnv(ctx, a, o)
	if err != nil {
		return err
	}
	if c.req.Set, err = readEnv(ctx, a, o); err != nil {
		return err
	}
	return c.run(ctx)
}

// envChange is a change of variables under way.
type envChange struct {
	*command.App
	client  *api.Client
	project string
	req     api.SetVariables
}

// beginEnv sees what there is before anything is read or asked: whoever changes it
// meanwhile is told of.
func beginEnv(ctx context.Context, a *command.App, o changeOptions) (*envChange, error) {
	client, err := a.Client()
	if err != nil {
		return nil, err
	}
	seen, err := client.Variables(ctx, o.Project)
	if err != nil {
		return nil, err
	}
	return &envChange{a, client, o.Project, api.SetVariables{NoRollout: o.NoRollout, Newest: o.Newest, Base: &seen.Version}}, nil
}

func (c *envChange) run(ctx context.Context) error {
	begin := time.Now()
	progress := c.IO.NewProgress()
	defer progress.Stop(false)
	stream, err := c.client.SetVariables(ctx, c.project, c.req)
	if err != nil {
		return err
	}
	result, err := change.Follow(ctx, c.App, c.client, progress, c.project, stream, func(context.Context, time.Time) (*api.PushResult, error) {
		return nil, unknownEnd(c.project)
	})
	if err != nil {
		return err
	}
	progress.Stop(true)
	return c.report(result, time.Since(begin))
}

func unknownEnd(project string) error {
	return &exit.Failure{
		Code: exit.Unreachable, Message: "the connection to the platform ended before the change did, and how it ends is not known",
		Help: "see what there is: fngen env " + project + "\nand what became of it: fngen releases " + project,
	}
}

// document is what set_env and unset_env print by --json.
type document struct {
	Project string `json:"project"`
	Release int    `json:"release"`
	*api.VariablesResult
	Diagnostics diag.List `json:"diagnostics"`
}

func (c *envChange) report(r *api.PushResult, took time.Duration) error {
	v := r.Variables
	if v == nil {
		v = &api.VariablesResult{}
	}
	v.Added, v.Changed, v.Removed = command.OrEmpty(v.Added), command.OrEmpty(v.Changed), command.OrEmpty(v.Removed)
	if c.JSON {
		return c.WriteJSON(document{c.project, r.Release, v, command.OrEmpty(r.Diagnostics)})
	}
	_ = diag.Render(c.IO.Err, r.Diagnostics, c.IO.Colour)
	done := fmt.Sprintf("Version %d of the variables of %s is kept; the next push takes it", v.Version, c.project)
	if v.RolledOut {
		done = fmt.Sprintf("Release %d of %s is live, with version %d of the variables", r.Release, c.project, v.Version)
	}
	c.Sayf("%s %s", c.IO.Paint(term.Bold, done), c.IO.Paint(term.Dim, fmt.Sprintf("(%.1fs)", took.Seconds())))
	for _, list := range []struct {
		mark  string
		names []string
	}{{"+", v.Added}, {"~", v.Changed}, {"-", v.Removed}} {
		for _, name := range list.names {
			if _, err := io.WriteString(c.IO.Out, list.mark+" "+term.Escape(name)+"\n"); err != nil {
				return err
			}
		}
	}
	return nil
}
