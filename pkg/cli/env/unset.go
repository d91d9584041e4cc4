package env

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/dotenv"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/target"
)

// NewCmdUnset is fngen unset_env.
func NewCmdUnset(a *command.App) *cobra.Command {
	o := changeOptions{}
	cmd := &cobra.Command{
		Use:   "unset_env PROJECT NAME...",
		Short: "Remove environment variables of a project",
		Long: `Remove environment variables of a project. What is live is rolled out without them,
as a release of its own, which rollback can undo; --no-rollout leaves that to the
next push. The names are printed, one a line.`,
		Example: "  fngen unset_env my-website OLD_TOKEN",
		Args: func(cmd *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				return command.ArgsError(cmd, "PROJECT is missing")
			case 1:
				return command.ArgsError(cmd, "NAME is missing")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Project = args[0]
			return runUnsetEnv(cmd.Context(), a, o, args[1:])
		},
	}
	changeFlags(cmd, &o)
	return cmd
}

func runUnsetEnv(ctx context.Context, a *command.App, o changeOptions, names []string) error {
	if err := target.CheckProject(o.Project); err != nil {
		return err
	}
	var faults diag.List
	for _, name := range names {
		if d := dotenv.CheckName(name); d != nil {
			faults.Add(*d)
		}
	}
	if len(faults) > 0 {
		return refusedEnv(faults)
	}
	c, err := beginEnv(ctx, a, o)
	if err != nil {
		return err
	}
	slices.Sort(names)
	c.req.Unset = slices.Compact(names)
	return c.run(ctx)
}
