package cli

import (
	"github.com/spf13/cobra"

	"fngen.dev/fngen/compiler/schema"
)

func newCmdSchema(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of fngen.yml, for editors",
		Long: `Print the JSON Schema of fngen.yml. An editor that has it completes keys, explains
them and marks mistakes while you type. Write it beside fngen.yml, and name it in
the first line of fngen.yml:

  # yaml-language-server: $schema=fngen.schema.json`,
		Example: "  fngen schema > fngen.schema.json",
		Args:    noArgs,
		RunE:    func(*cobra.Command, []string) error { return runSchema(a) },
	}
}

func runSchema(a *app) error {
	text, err := schema.JSON()
	if err != nil {
		return err
	}
	_, err = a.IO.Out.Write(text)
	return err
}
