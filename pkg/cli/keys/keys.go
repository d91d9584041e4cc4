// Package keys is the commands about deploy keys.
package keys

import (
	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/cli/command"
)

// NewCmd is fngen key.
func NewCmd(a *command.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Make, list and revoke deploy keys",
		Long: `Deploy keys are for machines, such as CI: each is of one project, may do no more
than its scope says, and ends by itself. Set one as FNGEN_API_KEY.

  plan     reads the project, and asks what a push would do
  deploy   also pushes and rolls back

Neither creates or destroys projects, reads other projects, or makes keys.`,
		Example: "  fngen key create --project my-website --scope plan --expires 90d",
		Args:    command.KnownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	cmd.AddGroup(&cobra.Group{ID: "key", Title: "Commands:"})
	command.AddGroup(cmd, "key", newCmdKeyCreate(a), newCmdKeyList(a), newCmdKeyRevoke(a))
	return cmd
}
