//go:build !linux

// Command dev runs the one-machine cluster, which needs Linux.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "error: the one-machine cluster needs Linux, since Nomad isolates tasks with its "+
		"namespaces and control groups: run make up in a Linux virtual machine")
	os.Exit(1)
}
