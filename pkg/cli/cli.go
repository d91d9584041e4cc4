// Package cli is fngen put together: its commands, and what becomes of how one ends.
//
// A command is a file of the package of its group below this one. It is three things:
// its options, NewCmdX, which declares arguments, flags and help, and runX, which does
// the work and returns an error. What an error means to the outside - the text, the JSON,
// the exit code - is decided in one place, the package exit. stdout is the result; stderr
// is talk.
package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/term"
)

// Run runs one command line and returns the exit code.
func Run(ctx context.Context, args []string, env command.Env) int {
	a := &command.App{Env: env}
	root := newRoot(a)
	root.SetArgs(args)
	root.SetOut(env.IO.Out)
	root.SetErr(env.IO.Err)
	err := root.ExecuteContext(ctx)
	if err != nil && !errors.Is(err, exit.ErrChanges) {
		report(a, exit.Explain(ctx, err), err)
	}
	return exit.Code(ctx, err)
}

// Commands are the commands of fngen, for who describes them: none of them can be run.
func Commands() *cobra.Command { return newRoot(&command.App{}) }

// report says why a command failed.
func report(a *command.App, f *exit.Failure, err error) {
	var done *exit.Reported
	switch {
	case errors.As(err, &done): // stdout has its document
	case a.JSON:
		writeFailure(a, f)
	default:
		_ = diag.Render(a.IO.Err, f.Diagnostics, a.IO.Colour)
	}
	a.Sayf("%s %s", a.IO.Paint(term.Red, "error:"), term.Indent(f.Message, "       "))
	if f.Help != "" {
		a.Sayf("%s", term.Indent("  help: "+f.Help, "        "))
	}
	if f.RequestID != "" {
		a.Sayf("  request: %s", term.Escape(f.RequestID))
	}
}

func writeFailure(a *command.App, f *exit.Failure) {
	list := f.Diagnostics
	if list == nil {
		list = diag.List{}
	}
	// stdout may be what is broken: the text on stderr still tells.
	_ = a.WriteJSON(struct {
		Error       *exit.Failure `json:"error"`
		Diagnostics diag.List     `json:"diagnostics"`
	}{f, list})
}
