package keys

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/term"
)

func newCmdKeyList(a *command.App) *cobra.Command {
	return a.OfAccount(&cobra.Command{
		Use:   "list",
		Short: "List the API keys of your account",
		Long: `List the API keys of your account that are not revoked, the oldest first, with
when each was last used (to a minute). The keys themselves cannot be shown.

Piped, the lines are tab separated and have no heading:
number, first characters, project (- for all), scope, end, last use, label.`,
		Example: "  fngen key list",
	}, runKeyList)
}

func runKeyList(ctx context.Context, a *command.App, client *api.Client) error {
	keys, err := client.Keys(ctx)
	if err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(command.OrEmpty(keys))
	}
	heading := []string{"ID", "KEY", "PROJECT", "SCOPE", "EXPIRES", "LAST USED", "LABEL"}
	return term.Table(a.IO.Out, a.IO.OutTTY, heading, keyRows(keys))
}

func keyRows(keys []api.KeyInfo) [][]string {
	var rows [][]string
	for _, k := range keys {
		ends, used := dayOf(k.ExpiresAt), "never"
		if k.Expired {
			ends = "expired " + ends
		}
		if k.LastUsed != nil {
			used = k.LastUsed.UTC().Format(time.RFC3339)
		}
		rows = append(rows, []string{strconv.FormatInt(k.ID, 10), k.Hint, dash(k.Project), string(k.Scope), ends, used, dash(k.Label)})
	}
	return rows
}

// dash stands for a cell that would be empty.
func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
