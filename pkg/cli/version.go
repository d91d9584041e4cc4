package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
)

func newCmdVersion(a *command.App) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of fngen",
		Example: "  fngen version",
		Args:    command.ExactArgs(),
		RunE:    func(*cobra.Command, []string) error { return runVersion(a) },
	}
}

func runVersion(a *command.App) error {
	if a.JSON {
		return a.WriteJSON(struct {
			Version string `json:"version"`
			Go      string `json:"go"`
			OS      string `json:"os"`
			Arch    string `json:"arch"`
		}{api.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH})
	}
	_, err := fmt.Fprintf(a.IO.Out, "fngen %s\n", versionText())
	return err
}

func versionText() string { return fmt.Sprintf("%s (%s)", api.Version, runtime.Version()) }
