package confine

import (
	"fmt"
	"os"
	"syscall"
)

// BecomeRoot turns the ambient capabilities that Nomad gives to a task of user
// nobody into a root that has exactly these. A task of user root would have all
// that the driver knows. An agent that has neither, as on a developer's machine,
// stays who it is, and what needs more fails with its own message.
func BecomeRoot() error {
	if os.Geteuid() == 0 || syscall.Setgroups(nil) != nil {
		return nil
	}
	if err := syscall.Setresgid(0, 0, 0); err != nil {
		return fmt.Errorf("become group root: %w", err)
	}
	if err := syscall.Setresuid(0, 0, 0); err != nil {
		return fmt.Errorf("become root: %w", err)
	}
	return nil
}
