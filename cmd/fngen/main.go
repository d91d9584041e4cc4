// Command fngen pushes Python functions to the platform.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"fngen.dev/fngen/pkg/cli"
	"fngen.dev/fngen/pkg/cli/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(cli.Run(ctx, os.Args[1:], command.SystemEnv()))
}
