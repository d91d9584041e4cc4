package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func newCmdCreate(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "create NAME",
		Short: "Create a project",
		Long: `Create a project. Its name becomes the host of its URL.

A name is 1 to 40 of a-z, 0-9 and single hyphens, and starts with a letter.`,
		Example: "  fngen create my-website",
		Args:    oneArg("NAME"),
		RunE:    func(cmd *cobra.Command, args []string) error { return runCreate(cmd.Context(), a, args[0]) },
	}
}

func runCreate(ctx context.Context, a *app, name string) error {
	if err := checkProject(name); err != nil {
		return err
	}
	client, err := a.client()
	if err != nil {
		return err
	}
	project, err := client.CreateProject(ctx, name)
	if err != nil {
		return err
	}
	a.sayf("Created project %s. Put code in it: fngen push %s PATH", name, name)
	if a.json {
		return a.writeJSON(project)
	}
	return nil
}
