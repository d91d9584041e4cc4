// Package env is the commands about the environment variables of a project.
package env

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/term"
)

// NewCmd is fngen env.
func NewCmd(a *command.App) *cobra.Command {
	return a.OfProject(&cobra.Command{
		Use:   "env PROJECT",
		Short: "List the environment variables of a project, without their values",
		Long: `List the names of a project's environment variables, with when and by whom each got
its value, and the functions of the live code that read it, by its name, with the
place. Values are never shown: nobody but the project's own functions can read them.

Piped, the lines are tab separated and have no heading: name, time, who, readers.`,
		Example: "  fngen env my-website",
	}, runEnv)
}

func runEnv(ctx context.Context, a *command.App, client *api.Client, project string) error {
	v, err := client.Variables(ctx, project)
	if err != nil {
		return err
	}
	if a.JSON {
		v.Variables, v.Missing = command.OrEmpty(v.Variables), command.OrEmpty(v.Missing)
		return a.WriteJSON(v)
	}
	if len(v.Variables) == 0 {
		a.Sayf("%s has no environment variables. Set some: fngen set_env %s FILE", project, project)
	} else if err := term.Table(a.IO.Out, a.IO.OutTTY, []string{"NAME", "SET", "BY", "READ BY"}, envRows(v.Variables, a.IO.OutTTY)); err != nil {
		return err
	}
	if v.Version != v.Live && len(v.Variables) > 0 {
		a.Sayf("They are not rolled out yet: the next push takes them.")
	}
	for _, m := range v.Missing {
		a.Warnf("%s is not set, and the code needs it: %s:%d", term.Escape(m.Name), term.Escape(m.File), m.Line)
	}
	return nil
}

func envRows(list []api.Variable, tty bool) [][]string {
	var rows [][]string
	for _, v := range list {
		at := v.SetAt.UTC().Format(time.RFC3339)
		if tty {
			at = v.SetAt.Local().Format(time.DateTime)
		}
		rows = append(rows, []string{v.Name, at, v.SetBy, readers(v.Reads)})
	}
	return rows
}

// readers names functions with the places where they read: "live_app (app.py:3)".
func readers(reads []api.VariableRead) string {
	var order []string
	places := map[string][]string{}
	for _, r := range reads {
		functions := r.Functions
		if len(functions) == 0 {
			functions = []string{""} // a file that no function is seen to import
		}
		for _, f := range functions {
			if !slices.Contains(order, f) {
				order = append(order, f)
			}
			places[f] = append(places[f], fmt.Sprintf("%s:%d", r.File, r.Line))
		}
	}
	var out []string
	for _, f := range order {
		text := strings.Join(places[f], ", ")
		if f != "" {
			text = f + " (" + text + ")"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}
