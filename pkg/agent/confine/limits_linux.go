package confine

import (
	"fmt"
	"math"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// MaxTasks is how many processes and threads a program may have: Linux counts both
	// alike. In a user namespace of its own (door) they are counted for this program
	// alone, elsewhere for all of the project on the node.
	MaxTasks = 1024
	// MaxOpen is how many files and connections each of its processes may have open.
	MaxOpen = 65536
)

// Limit bounds what the process, and all that it starts, may have, for good. file is
// the size of the largest file, 0 for any.
func Limit(file int64) error {
	largest := uint64(math.MaxUint64) // RLIM_INFINITY
	if file > 0 {
		largest = uint64(file)
	}
	for _, l := range []struct {
		resource int
		name     string
		most     uint64
	}{
		{unix.RLIMIT_NPROC, "processes", MaxTasks},
		{unix.RLIMIT_NOFILE, "open files", MaxOpen},
		{unix.RLIMIT_FSIZE, "size of files", largest},
		{unix.RLIMIT_CORE, "size of memory dumps", 0},
	} {
		var now syscall.Rlimit
		if err := syscall.Getrlimit(l.resource, &now); err != nil {
			return fmt.Errorf("read the limit of %s: %w", l.name, err)
		}
		most := min(l.most, now.Max)
		// Of package syscall, which Go's own changes of the limit of files give way to.
		if err := syscall.Setrlimit(l.resource, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
			return fmt.Errorf("limit the %s: %w", l.name, err)
		}
	}
	return nil
}
