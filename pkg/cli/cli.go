// Package cli is the commands of fngen, one file each.
//
// A command is three things: its options, newCmdX, which declares arguments,
// flags and help, and runX, which does the work and returns an error. What an
// error means to the outside - the text, the JSON, the exit code - is decided in
// one place, errors.go. stdout is the result; stderr is talk.
package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"fngen.dev/fngen/pkg/term"
)

// Env is what a run reads from the world around it.
type Env struct {
	Getenv func(string) string
	// Home is the person's home directory, empty when there is none.
	Home string
	// Cache is the person's directory for what can be made again, empty when
	// there is none.
	Cache string
	IO    *term.IO
}

// SystemEnv is the environment of this process.
func SystemEnv() Env {
	home, _ := os.UserHomeDir() // without one there is no credentials file
	cache, _ := os.UserCacheDir()
	return Env{Getenv: os.Getenv, Home: home, Cache: cache, IO: term.System(os.Getenv)}
}

// app is what the commands of one run share.
type app struct {
	Env
	// json is the flag --json.
	json bool
}

// Run runs one command line and returns the exit code.
func Run(ctx context.Context, args []string, env Env) int {
	a := &app{Env: env}
	root := newRoot(a)
	root.SetArgs(args)
	root.SetOut(env.IO.Out)
	root.SetErr(env.IO.Err)
	return a.finish(ctx, root.ExecuteContext(ctx))
}

// sayf prints talk: a line on stderr.
func (a *app) sayf(format string, args ...any) {
	fmt.Fprintf(a.IO.Err, format+"\n", args...)
}

// warnf prints a warning on stderr.
func (a *app) warnf(format string, args ...any) {
	a.sayf("%s %s", a.IO.Paint(term.Yellow, "warning:"), fmt.Sprintf(format, args...))
}

// writeJSON prints v as the one document on stdout.
func (a *app) writeJSON(v any) error {
	return encodeJSON(a.IO.Out, v)
}

func encodeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}
