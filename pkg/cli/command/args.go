package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/cli/exit"
)

// ExactArgs wants exactly these arguments, called so in its help.
func ExactArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return ArgsError(cmd, names[len(args)]+" is missing")
		}
		return MaxArgs(len(names))(cmd, args)
	}
}

// OneOrTwo wants one argument, called name in its help, or two.
func OneOrTwo(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return ArgsError(cmd, name+" is missing")
		}
		return MaxArgs(2)(cmd, args)
	}
}

// MaxArgs takes up to n arguments.
func MaxArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return ArgsError(cmd, fmt.Sprintf("%q is one argument too many", args[n]))
		}
		return nil
	}
}

// ArgsError is a mistake in the arguments.
func ArgsError(cmd *cobra.Command, message string) error {
	return &exit.Usage{Message: cmd.Name() + ": " + message, Help: "usage: " + cmd.UseLine()}
}
