package cli

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/exit"
)

var shells = []string{"bash", "fish", "powershell", "zsh"}

func newCmdCompletion(a *command.App) *cobra.Command {
	return &cobra.Command{
		Use:       "completion SHELL",
		Short:     "Print a completion script for a shell",
		Long:      "Print the script that completes commands and flags of fngen in\n" + strings.Join(shells, ", ") + ".",
		Example:   "  source <(fngen completion bash)\n  fngen completion fish > ~/.config/fish/completions/fngen.fish",
		Args:      command.ExactArgs("SHELL"),
		ValidArgs: shells,
		RunE:      func(cmd *cobra.Command, args []string) error { return runCompletion(a, cmd.Root(), args[0]) },
	}
}

func runCompletion(a *command.App, root *cobra.Command, shell string) error {
	var script bytes.Buffer
	var err error
	switch shell {
	case "bash":
		err = root.GenBashCompletionV2(&script, true)
	case "fish":
		err = root.GenFishCompletion(&script, true)
	case "powershell":
		err = root.GenPowerShellCompletionWithDesc(&script)
	case "zsh":
		err = root.GenZshCompletion(&script)
	default:
		return &exit.Usage{Message: fmt.Sprintf("no completion for shell %q", shell), Help: "shells: " + strings.Join(shells, ", ")}
	}
	if err != nil {
		return fmt.Errorf("write completion script: %w", err)
	}
	if a.JSON {
		return a.WriteJSON(struct {
			Shell  string `json:"shell"`
			Script string `json:"script"`
		}{shell, script.String()})
	}
	_, err = script.WriteTo(a.IO.Out)
	return err
}
