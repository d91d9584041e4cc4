//go:build !linux

// Command fngen-agent is the first program of every allocation.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "fngen-agent: runs on Linux only: it works with the users and namespaces of a Nomad node")
	os.Exit(1)
}
