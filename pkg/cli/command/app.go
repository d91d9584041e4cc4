// Package command is what the commands of fngen share: the world around a run, its one
// output as JSON, arguments, questions, and the platform as the person of the credentials
// sees it.
package command

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

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
	// Cut is how long and how often it is looked how a push ended whose stream broke off.
	Cut struct{ Time, Interval time.Duration }
}

// SystemEnv is the environment of this process.
func SystemEnv() Env {
	home, _ := os.UserHomeDir() // without one there is no credentials file
	cache, _ := os.UserCacheDir()
	env := Env{Getenv: os.Getenv, Home: home, Cache: cache, IO: term.System(os.Getenv)}
	// A platform that was stopped in the middle of a push has what it began undone after 30 s.
	env.Cut.Time, env.Cut.Interval = time.Minute, time.Second
	return env
}

// App is what the commands of one run share.
type App struct {
	Env
	// JSON is the flag --json.
	JSON bool
}

// Sayf prints talk: a line on stderr.
func (a *App) Sayf(format string, args ...any) {
	fmt.Fprintf(a.IO.Err, format+"\n", args...)
}

// Warnf prints a warning on stderr.
func (a *App) Warnf(format string, args ...any) {
	a.Sayf("%s %s", a.IO.Paint(term.Yellow, "warning:"), fmt.Sprintf(format, args...))
}

// WriteJSON prints v as the one document on stdout.
func (a *App) WriteJSON(v any) error {
	return EncodeJSON(a.IO.Out, v)
}

// EncodeJSON writes a document as --json does.
func EncodeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// OrEmpty makes an array of JSON of what may be nil.
func OrEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
