package projects

import (
	"context"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/cli/command"
)

// NewCmdCreate is fngen create.
func NewCmdCreate(a *command.App) *cobra.Command {
	return &cobra.Command{
		Use:   "create NAME",
		Short: "Create a project",
		Long: `Create a project. Its name becomes the host of its URL.

A name is 1 to 40 of a-z, 0-9 and single hyphens, and starts with a letter.`,
		Example: "  fngen create my-website",
		Args:    command.ExactArgs("NAME"),
		RunE:    func(cmd *cobra.Command, args []string) error { return runCreate(cmd.Context(), a, args[0]) },
	}
}

func runCreate(ctx context.Context, a *command.App, name string) error {
	client, err := a.ClientOf(name)
	if err != nil {
		return err
	}
	project, err := client.CreateProject(ctx, name)
	if err != nil {
		return err
	}
	a.Sayf("Created project %s. Put code in it: fngen push %s PATH", name, name)
	if a.JSON {
		return a.WriteJSON(project)
	}
	return nil
}
