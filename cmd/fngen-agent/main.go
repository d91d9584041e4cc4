//go:build linux

// Command fngen-agent is the first program of every allocation.
package main

import (
	"context"
	"os"

	"fngen.dev/fngen/pkg/agent"
)

func main() {
	os.Exit(agent.Run(context.Background(), os.Args[1:], os.Environ(), os.Stderr))
}
