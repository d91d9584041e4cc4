package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// noArgs refuses arguments.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return argsError(cmd, fmt.Sprintf("%q is one argument too many", args[0]))
}

// oneArg wants exactly one argument, called name in its help.
func oneArg(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return argsError(cmd, name+" is missing")
		case len(args) > 1:
			return argsError(cmd, fmt.Sprintf("%q is one argument too many", args[1]))
		}
		return nil
	}
}

// threeArgs wants exactly three arguments, called so in its help.
func threeArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return argsError(cmd, names[len(args)]+" is missing")
		case len(args) > len(names):
			return argsError(cmd, fmt.Sprintf("%q is one argument too many", args[len(names)]))
		}
		return nil
	}
}

// oneOrTwo wants one argument, called name in its help, or two.
func oneOrTwo(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return argsError(cmd, name+" is missing")
		}
		return maxArgs(2)(cmd, args)
	}
}

// maxArgs takes up to n arguments.
func maxArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return argsError(cmd, fmt.Sprintf("%q is one argument too many", args[n]))
		}
		return nil
	}
}

func argsError(cmd *cobra.Command, message string) error {
	return &usageError{message: cmd.Name() + ": " + message, help: "usage: " + cmd.UseLine()}
}
