package agent

import (
	"context"
	"io"
	"os"
	"runtime/debug"

	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/nodefiles"
)

// shell runs a command. Nodes have a merged /usr, so every task has it.
const shell = "/bin/sh"

// runCommand runs one command in the code of a function until it ends, and returns
// its exit code.
func runCommand(ctx context.Context, o *runOptions, env environ, signals <-chan os.Signal, log console.Logger) int {
	// The person reads what is said here among what their command prints, so only
	// what ends it is said.
	p, err := o.fetch(ctx, console.Logger{W: io.Discard})
	defer p.close() // held as long as the command runs
	e := o.environment(p, env)
	if err == nil {
		e, err = withSDK(&o.function, e)
	}
	if code, stopped := stoppedBy(ctx, signals); stopped {
		log.Say("stopped before the release command of %s was started", o.name)
		return code
	}
	if err != nil {
		log.Say("prepare the release command of %s: %v", o.name, err)
		return console.ExitFailed
	}
	debug.FreeOSMemory()
	c := command{path: shell, args: []string{"-c", o.command}, tree: p.tree, env: e, group: true, last: true, disk: o.bound(p.tree, log), tasks: &tasks{uid: o.uid, log: log}}
	status, err := run(c, signals)
	if err != nil {
		log.Say("run the release command of %s: %v", o.name, err)
		return console.ExitFailed
	}
	o.sayFull(status, log)
	if status.Signaled() {
		log.Say("the release command of %s %s", o.name, console.Ending(status))
	}
	return console.ExitCode(status)
}

// withSDK lets every Python that the command starts import fngen, whose wheel it
// reads as it is: unlike the runtime's directory it holds nothing else, so that no
// pin of the person's is hidden.
func withSDK(fn *function, e environ) (environ, error) {
	path, err := nodefiles.SDKWheel(fn.node)
	if err != nil {
		return e, err
	}
	if before := e.get("PYTHONPATH"); before != "" {
		path = before + ":" + path
	}
	return e.with("PYTHONPATH", path), nil
}
