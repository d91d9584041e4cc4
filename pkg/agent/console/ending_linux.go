package console

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// ExitCode is what a shell would make of a status.
func ExitCode(s syscall.WaitStatus) int {
	if s.Signaled() {
		return ExitSignal + int(s.Signal())
	}
	return s.ExitStatus()
}

// Ending describes a status.
func Ending(s syscall.WaitStatus) string {
	if s.Signaled() {
		return "was killed by " + unix.SignalName(s.Signal())
	}
	return fmt.Sprintf("ended with exit code %d", s.ExitStatus())
}
