package keys

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/exit"
)

func newCmdKeyRevoke(a *command.App) *cobra.Command {
	return &cobra.Command{
		Use:     "revoke ID",
		Short:   "End a key at once",
		Long:    "End a key at once. ID is its number in \"fngen key list\".",
		Example: "  fngen key revoke 12",
		Args:    command.ExactArgs("ID"),
		RunE:    func(cmd *cobra.Command, args []string) error { return runKeyRevoke(cmd.Context(), a, args[0]) },
	}
}

func runKeyRevoke(ctx context.Context, a *command.App, text string) error {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return &exit.Usage{Message: fmt.Sprintf("key revoke: %q is not the number of a key", text), Help: `"fngen key list" shows the numbers`}
	}
	client, err := a.Client()
	if err != nil {
		return err
	}
	key, err := client.RevokeKey(ctx, id)
	if err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(key)
	}
	a.Sayf("Revoked key %d (%s)", key.ID, key.Hint)
	return nil
}
