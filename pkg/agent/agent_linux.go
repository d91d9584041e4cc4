package agent

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"fngen.dev/fngen/pkg/agent/build"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/program"
)

const usageText = `usage: fngen-agent serve|work|run|collect|fetch|build|purge [flags]
  serve    fetches a function's code and dependencies and runs it as the project's user
  work     runs a function's tasks as the project's user, as they come out of its queue
  run      runs one command in a function's code as the project's user, to its end
  collect  collects the static files of a Django project as the project's user and stores them
  fetch    brings static files to the node, for instances that run already
  build    builds a dependency layer as the project's user and stores it
  purge    removes what a destroyed project has left in the node's cache
fngen-agent COMMAND -h lists the flags.
`

// Run runs the command that args name and returns the exit code. env is the
// task's environment, NAME=value. The agent talks on stderr; what it starts
// inherits the standard streams of the process.
func Run(ctx context.Context, args, env []string, stderr io.Writer) int {
	if len(args) == 1 && args[0] == program.EnterCommand {
		return program.Enter()
	}
	beSmall()
	log := console.Logger{W: stderr}
	// Registered before anything else, so that a signal that comes while files are
	// fetched still reaches what is started after.
	signals := make(chan os.Signal, 32)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGCHLD)
	defer signal.Stop(signals)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()

	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch command {
	case "serve":
		o, err := parseServe(args, env, stderr)
		if err != nil {
			return log.Usage(err)
		}
		return serve(ctx, o, env, signals, log)
	case "work":
		o, err := parseWork(args, env, stderr)
		if err != nil {
			return log.Usage(err)
		}
		return work(ctx, o, env, signals, log)
	case "run":
		o, err := parseRun(args, stderr)
		if err != nil {
			return log.Usage(err)
		}
		return runCommand(ctx, o, env, signals, log)
	case "collect":
		o, err := parseCollect(args, stderr)
		if err != nil {
			return log.Usage(err)
		}
		return collect(ctx, o, env, signals, log)
	case "fetch":
		o, err := parseFetch(args, stderr)
		if err != nil {
			return log.Usage(err)
		}
		return fetchStatic(ctx, o, log)
	case "build":
		o, err := build.Parse(args, stderr)
		if err != nil {
			return log.Usage(err)
		}
		return build.Run(ctx, o, env, signals, log)
	case "purge":
		return purge(args, stderr, log)
	case "help", "-h", "--help", "-help":
		fmt.Fprint(stderr, usageText)
		return 0
	}
	fmt.Fprint(stderr, usageText)
	return console.ExitUsage
}

// beSmall trades a little time for memory: there is one agent beside every
// function, and after the start it only waits.
func beSmall() {
	runtime.GOMAXPROCS(min(2, runtime.NumCPU()))
	debug.SetGCPercent(25)
	debug.SetMemoryLimit(48 << 20)
}
