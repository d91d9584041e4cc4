package agent

import (
	"fmt"
	"os"
	"syscall"
)

// becomeRoot turns the ambient capabilities that Nomad gives to a task of user
// nobody into a root that has exactly these. A task of user root would have all
// that the driver knows. An agent that has neither, as on a developer's machine,
// stays who it is, and what needs more fails with its own message.
func becomeRoot() error {
	if os.Geteuid() == 0 || syscall.Setgroups(nil) != nil {
		return nil
	}
	if err := syscall.Setresgid(0, 0, 0); err != nil {
		return fmt.Errorf("become group root: %w", err)
	}
	if err := syscall.Setresuid(0, 0, 0); err != nil {
		return fmt.Errorf("become root: %w", err)
	}
	// Nomad leaves the root of a task open to every user of it.
	if info, err := os.Stat("/"); err == nil && info.Mode()&0o022 == 0 {
		return nil
	}
	if err := os.Chmod("/", 0o755); err != nil {
		return fmt.Errorf("close the task's root directory: %w", err)
	}
	return nil
}
