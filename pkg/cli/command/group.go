package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/cli/exit"
)

// AddGroup adds commands under one title of the help.
func AddGroup(root *cobra.Command, id string, cmds ...*cobra.Command) {
	for _, c := range cmds {
		c.GroupID = id
		c.DisableFlagsInUseLine = true
		root.AddCommand(c)
	}
}

// KnownCommand refuses what is no command, with the nearest one that is.
func KnownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := &exit.Usage{Message: fmt.Sprintf("unknown command %q", args[0]), Help: fmt.Sprintf("%q lists the commands", helpOf(cmd))}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		err.Help = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return err
}

func helpOf(cmd *cobra.Command) string {
	if cmd.HasParent() {
		return cmd.CommandPath() + " --help"
	}
	return cmd.CommandPath() + " help"
}
