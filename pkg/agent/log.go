package agent

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// The exit codes of the agent itself. serve passes on what Python exits with.
const (
	exitFailed = 1
	exitUsage  = 2
	// exitRefused says that the person's input is at fault, not the platform: uv could
	// not satisfy the requirements, or the static files could not be collected.
	exitRefused = 3
	exitSignal  = 128
)

// logger prints one line an event.
type logger struct{ w io.Writer }

func (l logger) say(format string, args ...any) {
	fmt.Fprintf(l.w, "fngen-agent: "+format+"\n", args...)
}

func (l logger) usage(err error) int {
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	l.say("%v (fngen-agent -h lists the commands)", err)
	return exitUsage
}
