package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/term"
)

func newCmdConnect(a *command.App) *cobra.Command {
	return a.OfAccount(&cobra.Command{
		Use:   "connect",
		Short: "Check the API key and say whose it is",
		Long: `Check that the platform can be reached and accepts the API key.

The key is FNGEN_API_KEY, else api_key in ~/.fngen/credentials.yml. The platform
is FNGEN_API_URL or api_url, and FNGEN_CA_CERT or ca_cert names the file of its
CA certificate when it has one of its own.`,
		Example: "  fngen connect",
	}, runConnect)
}

func runConnect(ctx context.Context, a *command.App, client *api.Client) error {
	account, err := client.Account(ctx)
	if err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(account)
	}
	_, err = fmt.Fprintf(a.IO.Out, "✅  Connected [%s]\n", term.Escape(account.Email))
	return err
}
