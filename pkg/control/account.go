package control

import (
	"context"
	"fmt"
	"net/mail"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/store"
)

func newCmdAccount(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "account", Short: "Accounts", Args: cobra.NoArgs, RunE: showHelp}
	cmd.AddCommand(
		&cobra.Command{
			Use: "create EMAIL", Short: "Add an account", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error { return a.createAccount(cmd.Context(), args[0]) },
		},
		&cobra.Command{
			Use: "list", Short: "List the accounts", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return a.listAccounts(cmd.Context()) },
		},
	)
	return cmd
}

func (a *app) createAccount(ctx context.Context, email string) error {
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email {
		return fmt.Errorf("%q is not an email address", email)
	}
	return a.withStore(ctx, func(s *store.Store) error {
		account, err := s.CreateAccount(ctx, operator(), email)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.err, "account %s is there; make it a key with: fngend key create %s\n", account.Email, account.Email)
		return nil
	})
}

func (a *app) listAccounts(ctx context.Context) error {
	return a.withStore(ctx, func(s *store.Store) error {
		accounts, err := s.Accounts(ctx)
		if err != nil {
			return err
		}
		rows := [][]string{}
		for _, account := range accounts {
			rows = append(rows, []string{account.Email, when(account.CreatedAt)})
		}
		return a.table(rows)
	})
}

// table prints rows in columns.
func (a *app) table(rows [][]string) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

func showHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }
