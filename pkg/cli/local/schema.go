package local

import (
	"github.com/spf13/cobra"

	"fngen.dev/fngen/compiler/schema"
	"fngen.dev/fngen/pkg/cli/command"
)

// NewCmdSchema is fngen schema.
func NewCmdSchema(a *command.App) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of fngen.yml, for editors",
		Long: `Print the JSON Schema of fngen.yml. An editor that has it completes keys, explains
them and marks mistakes while you type. Write it beside fngen.yml, and name it in
the first line of fngen.yml:

  # yaml-language-server: $schema=fngen.schema.json`,
		Example: "  fngen schema > fngen.schema.json",
		Args:    command.ExactArgs(),
		RunE:    func(*cobra.Command, []string) error { return runSchema(a) },
	}
}

func runSchema(a *command.App) error {
	text, err := schema.JSON()
	if err != nil {
		return err
	}
	_, err = a.IO.Out.Write(text)
	return err
}
