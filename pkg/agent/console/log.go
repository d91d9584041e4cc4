// Package console is how the agent ends, and what it says: one line an event, on standard
// error, which Nomad keeps and the control plane reads (pkg/deploy/postmortem).
package console

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
)

// The exit codes of the agent itself. serve passes on what Python exits with.
const (
	ExitFailed = 1
	ExitUsage  = 2
	// ExitRefused says that the person's input is at fault, not the platform: uv could
	// not satisfy the requirements, or the static files could not be collected.
	ExitRefused = 3
	ExitSignal  = 128
)

// Logger prints one line an event.
type Logger struct{ W io.Writer }

// Say prints a line.
func (l Logger) Say(format string, args ...any) {
	fmt.Fprintf(l.W, "fngen-agent: "+format+"\n", args...)
}

// Since is how long something took, as a line says it.
func Since(start time.Time) time.Duration { return time.Since(start).Round(time.Millisecond) }

// Usage tells how the agent was called wrongly, and returns its exit code.
func (l Logger) Usage(err error) int {
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	l.Say("%v (fngen-agent -h lists the commands)", err)
	return ExitUsage
}
