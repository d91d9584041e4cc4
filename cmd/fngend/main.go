// Command fngend is the control plane.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"fngen.dev/fngen/pkg/control"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(control.Main(ctx, os.Args[1:], os.Stdout, os.Stderr, os.Getenv))
}
