// Package control is the commands of fngend: it reads the environment, opens the
// store and the blobs, and puts the control plane together.
//
// The commands for accounts and keys open the same store beside a running
// server; they are the operator's, so they need no key.
package control

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/store/postgres"
)

// app is what every command works with.
type app struct {
	out, err io.Writer
	getenv   func(string) string
	deployer deployerFactory
	patience time.Duration
	farewell time.Duration
}

// Main runs one command and returns the exit code: 0 done, 1 failed.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer, getenv func(string) string) int {
	return run(ctx, args, &app{out: stdout, err: stderr, getenv: getenv, deployer: newDeployer, patience: patience, farewell: farewell})
}

func run(ctx context.Context, args []string, a *app) int {
	root := &cobra.Command{
		Use: "fngend", Short: "The control plane of fngen",
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetArgs(args)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.AddCommand(newCmdServe(a), newCmdAccount(a), newCmdKey(a), newCmdVersion(a))
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(a.err, "fngend: %v\n", err)
		return 1
	}
	return 0
}

func newCmdVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(a.out, "fngend %s\n", api.Version)
			return err
		},
	}
}

// withStore runs f with the store open: FNGEND_DATABASE, or a file in FNGEND_DATA.
func (a *app) withStore(ctx context.Context, f func(*store.Store) error) (err error) {
	dir, err := dataDir(a.getenv)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, cmp.Or(a.getenv("FNGEND_DATABASE"), filepath.Join(dir, databaseFile)), postgres.Engine)
	if err != nil {
		return err
	}
	defer func() {
		if closed := s.Close(); err == nil {
			err = closed
		}
	}()
	return f(s)
}

// operator is the actor of the command line.
func operator() store.Actor { return store.Actor{Email: "operator"} }
