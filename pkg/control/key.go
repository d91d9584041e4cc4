package control

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/store"
)

func newCmdKey(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "key", Short: "API keys", Args: cobra.NoArgs, RunE: showHelp}
	var label string
	create := &cobra.Command{
		Use: "create EMAIL", Short: "Make an API key and print it, this once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.createKey(cmd.Context(), args[0], label) },
	}
	create.Flags().StringVar(&label, "label", "", "what the key is for")
	cmd.AddCommand(create,
		&cobra.Command{
			Use: "list EMAIL", Short: "List the keys of an account", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error { return a.listKeys(cmd.Context(), args[0]) },
		},
		&cobra.Command{
			Use: "revoke ID", Short: "End a key at once", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error { return a.revokeKey(cmd.Context(), args[0]) },
		},
	)
	return cmd
}

func (a *app) createKey(ctx context.Context, email, label string) error {
	return a.withStore(ctx, func(s *store.Store) error {
		account, err := s.AccountByEmail(ctx, email)
		if err != nil {
			return err
		}
		key, secret, err := s.CreateKey(ctx, operator(), account.ID, label)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.err, "key %d of %s; it is shown this once\n", key.ID, account.Email)
		_, err = fmt.Fprintln(a.out, secret.Reveal())
		return err
	})
}

func (a *app) listKeys(ctx context.Context, email string) error {
	return a.withStore(ctx, func(s *store.Store) error {
		account, err := s.AccountByEmail(ctx, email)
		if err != nil {
			return err
		}
		keys, err := s.Keys(ctx, account.ID)
		if err != nil {
			return err
		}
		rows := [][]string{}
		for _, k := range keys {
			state := "active"
			if !k.RevokedAt.IsZero() {
				state = "revoked " + when(k.RevokedAt)
			}
			rows = append(rows, []string{strconv.FormatInt(k.ID, 10), k.Hint, when(k.CreatedAt), "used " + when(k.LastUsed), state, k.Label})
		}
		return a.table(rows)
	})
}

func (a *app) revokeKey(ctx context.Context, text string) error {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("%q is not the number of a key; fngend key list EMAIL shows them", text)
	}
	return a.withStore(ctx, func(s *store.Store) error { return s.RevokeKey(ctx, operator(), id) })
}
