package projects

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/cli/target"
	"fngen.dev/fngen/pkg/term"
)

type destroyOptions struct {
	Project string
	Yes     bool
}

// NewCmdDestroy is fngen destroy.
func NewCmdDestroy(a *command.App) *cobra.Command {
	o := destroyOptions{}
	cmd := &cobra.Command{
		Use:   "destroy PROJECT [--yes]",
		Short: "Delete a project and all that belongs to it",
		Long: `Stop the functions of a project and delete it for good: its servers, releases,
dependencies, files and environment variables. This cannot be undone.

It names the variables, whose values nobody can read again, and asks you to type the
project's name first. --yes does not ask.`,
		Example: "  fngen destroy my-old-website",
		Args:    command.ExactArgs("PROJECT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Project = args[0]
			return runDestroy(cmd.Context(), a, o)
		},
	}
	cmd.Flags().BoolVarP(&o.Yes, "yes", "y", false, "do not ask")
	return cmd
}

func runDestroy(ctx context.Context, a *command.App, o destroyOptions) error {
	if err := target.CheckProject(o.Project); err != nil {
		return err
	}
	if !o.Yes && !a.IO.InTTY {
		return &exit.Usage{
			Message: "destroy asks for confirmation, and there is no terminal to ask at",
			Help:    fmt.Sprintf("if you are sure: fngen destroy %s --yes", o.Project),
		}
	}
	client, err := a.Client()
	if err != nil {
		return err
	}
	if !o.Yes {
		if err := sayDestroyed(ctx, a, client, o.Project); err != nil {
			return err
		}
		if err := confirm(ctx, a, o.Project); err != nil {
			return err
		}
	}
	destroyed, err := client.Destroy(ctx, o.Project)
	if ctx.Err() != nil {
		return &exit.Failure{
			Code:    exit.Interrupted,
			Message: "interrupted; the platform may have begun to delete the project, and then goes on",
			Help:    "see what became of it: fngen status " + o.Project,
		}
	}
	if err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(destroyed)
	}
	return writeDestroyed(a, destroyed)
}

// sayDestroyed says what would be deleted. That the variables cannot be read now, as when
// Vault is away, is no reason to keep a project.
func sayDestroyed(ctx context.Context, a *command.App, client *api.Client, project string) error {
	status, err := client.Status(ctx, project)
	if err != nil {
		return err
	}
	functions := term.Count(len(status.Functions), "function", "functions")
	v, err := client.Variables(ctx, project)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		a.Sayf("This deletes project %s for good, with %s, and its environment variables, if it has any.", project, functions)
		a.Warnf("their names cannot be read now: %s", term.Escape(err.Error()))
	case len(v.Variables) == 0:
		a.Sayf("This deletes project %s for good, with %s.", project, functions)
	default:
		a.Sayf("This deletes project %s for good, with %s and %s:", project, functions, term.Count(len(v.Variables), "environment variable", "environment variables"))
		for _, variable := range v.Variables {
			a.Sayf("  %s", term.Escape(variable.Name))
		}
	}
	return nil
}

// confirm asks for the project's name and fails when the answer is another.
func confirm(ctx context.Context, a *command.App, project string) error {
	fmt.Fprint(a.IO.Err, "Type the project's name to go on: ")
	answer, err := command.ReadLine(ctx, bufio.NewReader(a.IO.In))
	if err != nil {
		a.Sayf("")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if answer != project {
		return &exit.Usage{Message: fmt.Sprintf("%q is not %q: nothing was deleted", answer, project)}
	}
	return nil
}

func writeDestroyed(a *command.App, d api.Destroyed) error {
	var b strings.Builder
	fmt.Fprintf(&b, "deleted project %s\n", d.Project)
	for _, job := range d.Jobs {
		fmt.Fprintf(&b, "deleted job %s\n", term.Escape(job))
	}
	for _, name := range d.Variables {
		fmt.Fprintf(&b, "deleted variable %s\n", term.Escape(name))
	}
	fmt.Fprintf(&b, "deleted %s\n", term.Count(d.Releases, "release", "releases"))
	fmt.Fprintf(&b, "deleted %s\n", term.Count(d.Layers, "dependency layer", "dependency layers"))
	fmt.Fprintf(&b, "deleted %s, %s\n", term.Count(d.Blobs, "stored file", "stored files"), term.Bytes(d.Bytes))
	switch d.Logs {
	case api.LogsDeleted:
		fmt.Fprintf(&b, "deleted logs: nobody can read them any more, and the store of logs has removed them by %s\n", d.LogsGone.Local().Format("2006-01-02 15:04 MST"))
	case api.LogsExpire:
		b.WriteString("logs could not be deleted now: nobody can read them, and they go when they are as old as logs are kept\n")
	}
	_, err := io.WriteString(a.IO.Out, b.String())
	return err
}
