package command

import (
	"context"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/credentials"
	"fngen.dev/fngen/pkg/cli/target"
)

// Client is the platform as the person of the credentials sees it. Nothing is
// sent before the first call.
func (a *App) Client() (*api.Client, error) {
	c, err := credentials.Load(credentials.Source{Getenv: a.Getenv, Home: a.Home, Warnf: a.Warnf})
	if err != nil {
		return nil, err
	}
	return api.NewClient(c.APIURL, string(c.Key), c.CACert, api.Version)
}

// ClientOf is Client for a command about one project, whose name it checks first.
func (a *App) ClientOf(project string) (*api.Client, error) {
	if err := target.CheckProject(project); err != nil {
		return nil, err
	}
	return a.Client()
}

// OfAccount makes cmd a command without arguments about what the account has.
func (a *App) OfAccount(cmd *cobra.Command, run func(ctx context.Context, a *App, client *api.Client) error) *cobra.Command {
	cmd.Args = ExactArgs()
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		client, err := a.Client()
		if err != nil {
			return err
		}
		return run(cmd.Context(), a, client)
	}
	return cmd
}

// OfProject makes cmd a command whose one argument is a project.
func (a *App) OfProject(cmd *cobra.Command, run func(ctx context.Context, a *App, client *api.Client, project string) error) *cobra.Command {
	cmd.Args = ExactArgs("PROJECT")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := a.ClientOf(args[0])
		if err != nil {
			return err
		}
		return run(cmd.Context(), a, client, args[0])
	}
	return cmd
}
