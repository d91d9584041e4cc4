package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/term"
)

func newCmdProjects(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "projects",
		Short:   "List your projects",
		Long:    "List the projects of your account, one name a line, sorted.\nWith --json also the URL, the live release and the state of each.",
		Example: "  fngen projects",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runProjects(cmd.Context(), a) },
	}
}

func runProjects(ctx context.Context, a *app) error {
	client, err := a.client()
	if err != nil {
		return err
	}
	projects, err := client.Projects(ctx)
	if err != nil {
		return err
	}
	if a.json {
		if projects == nil {
			projects = []api.Project{}
		}
		return a.writeJSON(projects)
	}
	if len(projects) == 0 {
		a.sayf("No projects yet. Make one: fngen create NAME")
	}
	for _, p := range projects {
		if _, err := fmt.Fprintln(a.IO.Out, term.Escape(p.Name)); err != nil {
			return err
		}
	}
	return nil
}
