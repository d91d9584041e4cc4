package env

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/dotenv"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/cli/target"
	"fngen.dev/fngen/pkg/term"
)

// isName reports whether the source is the name of one variable: what is a file is one.
func (o changeOptions) isName() bool {
	if o.FromStdin {
		return true
	}
	return o.Source != "-" && ir.ValidVariable(o.Source) && !target.Exists(o.Source)
}

// knowsSource refuses what cannot be read, before anybody is asked for anything.
func knowsSource(a *command.App, o changeOptions) error {
	switch {
	case o.FromStdin && o.Source == "-":
		return &exit.Usage{Message: "--from-stdin wants the NAME of one variable", Help: "for a whole file on standard input: fngen set_env PROJECT - < FILE"}
	case o.isName():
		if d := dotenv.CheckName(o.Source); d != nil {
			return refusedEnv(diag.List{*d})
		}
		if !o.FromStdin && !a.IO.InTTY {
			return &exit.Usage{
				Message: fmt.Sprintf("there is no file %q, and no terminal to ask for the value of a variable of that name", o.Source),
				Help:    "from standard input: fngen set_env PROJECT " + o.Source + " --from-stdin",
			}
		}
	case o.Source != "-" && !target.Exists(o.Source):
		return &exit.Usage{Message: fmt.Sprintf("%q does not exist", o.Source), Help: "FILE is a file with lines NAME=value, or - for standard input"}
	}
	return nil
}

// readEnv reads what is to be set.
func readEnv(ctx context.Context, a *command.App, o changeOptions) (map[string]api.Value, error) {
	if o.isName() {
		value, err := readValue(ctx, a, o)
		if err != nil {
			return nil, err
		}
		if d := dotenv.Check(o.Source, value); d != nil {
			return nil, refusedEnv(diag.List{*d})
		}
		return map[string]api.Value{o.Source: api.Value(value)}, nil
	}
	name, data, err := readFile(ctx, a, o.Source)
	if err != nil {
		return nil, err
	}
	entries, faults := dotenv.Parse(name, data)
	if len(faults) > 0 {
		return nil, refusedEnv(faults)
	}
	if len(entries) == 0 {
		return nil, &exit.Usage{Message: fmt.Sprintf("%q has no variable", name), Help: "write one a line: NAME=value"}
	}
	out := map[string]api.Value{}
	for _, e := range entries {
		out[e.Name] = api.Value(e.Value)
	}
	return out, nil
}

// refusedEnv is the failure of variables that a project cannot have.
func refusedEnv(list diag.List) error {
	return &exit.Failure{Code: api.Refused, Message: term.Count(len(list), "fault", "faults") + " in the variables; nothing was sent", Diagnostics: list}
}

func readFile(ctx context.Context, a *command.App, source string) (name string, data []byte, err error) {
	if source == "-" {
		data, err = readStdin(ctx, a)
		return "<stdin>", data, err
	}
	f, err := os.Open(source)
	if err == nil {
		defer f.Close()
		data, err = io.ReadAll(io.LimitReader(f, dotenv.MaxBytes+1))
	}
	if refused := (*fs.PathError)(nil); errors.As(err, &refused) {
		return "", nil, &exit.Usage{Message: fmt.Sprintf("%q cannot be read: %v", source, refused.Err), Help: "FILE is a file with lines NAME=value, or - for standard input"}
	}
	return filepath.ToSlash(source), data, err
}

// readValue reads the value of one variable.
func readValue(ctx context.Context, a *command.App, o changeOptions) (string, error) {
	if o.FromStdin {
		data, err := readStdin(ctx, a)
		text, ended := strings.CutSuffix(string(data), "\n")
		if ended {
			text = strings.TrimSuffix(text, "\r")
		}
		return text, err
	}
	value, err := a.IO.ReadSecret(ctx, fmt.Sprintf("Value of %s (it is not shown): ", o.Source))
	if err != nil {
		return "", err
	}
	if value == "" {
		return "", &exit.Usage{Message: "no value was given", Help: "for an empty one: printf '' | fngen set_env PROJECT " + o.Source + " --from-stdin"}
	}
	return value, nil
}

// readStdin reads all of standard input, and gives up when ctx ends: what reads it then
// is left behind, and the process ends soon after.
func readStdin(ctx context.Context, a *command.App) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	read := make(chan result, 1)
	go func() {
		data, err := io.ReadAll(io.LimitReader(a.IO.In, dotenv.MaxBytes+1))
		read <- result{data, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case got := <-read:
		if got.err != nil {
			return nil, fmt.Errorf("read standard input: %w", got.err)
		}
		return got.data, nil
	}
}
