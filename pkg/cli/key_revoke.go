package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
)

func newCmdKeyRevoke(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "revoke ID",
		Short:   "End a key at once",
		Long:    "End a key at once. ID is its number in \"fngen key list\".",
		Example: "  fngen key revoke 12",
		Args:    oneArg("ID"),
		RunE:    func(cmd *cobra.Command, args []string) error { return runKeyRevoke(cmd.Context(), a, args[0]) },
	}
}

func runKeyRevoke(ctx context.Context, a *app, text string) error {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return &usageError{message: fmt.Sprintf("key revoke: %q is not the number of a key", text), help: `"fngen key list" shows the numbers`}
	}
	client, err := a.client()
	if err != nil {
		return err
	}
	key, err := client.RevokeKey(ctx, id)
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(key)
	}
	a.sayf("Revoked key %d (%s)", key.ID, key.Hint)
	return nil
}
