package agent

import (
	"context"
	"io"
	"os"
	"runtime/debug"

	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/environ"
	"fngen.dev/fngen/pkg/agent/instance"
	"fngen.dev/fngen/pkg/agent/nodefiles"
	"fngen.dev/fngen/pkg/agent/program"
)

// shell runs a command. Nodes have a merged /usr, so every task has it.
const shell = "/bin/sh"

// runCommand runs one command in the code of a function until it ends, and returns
// its exit code.
func runCommand(ctx context.Context, o *runOptions, env environ.Vars, signals <-chan os.Signal, log console.Logger) int {
	// The person reads what is said here among what their command prints, so only
	// what ends it is said.
	p, err := o.Fetch(ctx, console.Logger{W: io.Discard})
	defer p.Close() // held as long as the command runs
	e := o.Environment(p, env)
	if err == nil {
		e, err = withSDK(&o.Function, e)
	}
	if code, stopped := program.StoppedBy(ctx, signals); stopped {
		log.Say("stopped before the release command of %s was started", o.Name)
		return code
	}
	if err != nil {
		log.Say("prepare the release command of %s: %v", o.Name, err)
		return console.ExitFailed
	}
	debug.FreeOSMemory()
	c := program.Command{Path: shell, Args: []string{"-c", o.command}, Tree: p.Tree, Env: e, Group: true, Last: true, Disk: o.Bound(p.Tree, log), Threads: &program.Threads{UID: o.UID, Log: log}}
	status, err := program.Run(c, signals)
	if err != nil {
		log.Say("run the release command of %s: %v", o.Name, err)
		return console.ExitFailed
	}
	o.SayFull(status, log)
	if status.Signaled() {
		log.Say("the release command of %s %s", o.Name, console.Ending(status))
	}
	return console.ExitCode(status)
}

// withSDK lets every Python that the command starts import fngen, whose wheel it
// reads as it is: unlike the runtime's directory it holds nothing else, so that no
// pin of the person's is hidden.
func withSDK(fn *instance.Function, e environ.Vars) (environ.Vars, error) {
	path, err := nodefiles.SDKWheel(fn.Node)
	if err != nil {
		return e, err
	}
	if before := e.Get("PYTHONPATH"); before != "" {
		path = before + ":" + path
	}
	return e.With("PYTHONPATH", path), nil
}
