// Package projects is the commands about a project as a whole: what there is, what runs, its
// releases, its end.
package projects

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/term"
)

// NewCmd is fngen projects.
func NewCmd(a *command.App) *cobra.Command {
	return a.OfAccount(&cobra.Command{
		Use:     "projects",
		Short:   "List your projects",
		Long:    "List the projects of your account, one name a line, sorted.\nWith --json also the URL, the live release and the state of each.",
		Example: "  fngen projects",
	}, runProjects)
}

func runProjects(ctx context.Context, a *command.App, client *api.Client) error {
	projects, err := client.Projects(ctx)
	if err != nil {
		return err
	}
	if a.JSON {
		if projects == nil {
			projects = []api.Project{}
		}
		return a.WriteJSON(projects)
	}
	if len(projects) == 0 {
		a.Sayf("No projects yet. Make one: fngen create NAME")
	}
	for _, p := range projects {
		if _, err := fmt.Fprintln(a.IO.Out, term.Escape(p.Name)); err != nil {
			return err
		}
	}
	return nil
}
