package tasks

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// kills counts the processes of this allocation that the kernel has killed for memory.
type kills struct {
	path string

	mu   sync.Mutex
	last int
}

// newKills finds the cgroup that the agent is in; what cannot be seen counts as none.
func newKills() *kills {
	k := &kills{}
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return k
	}
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			k.path = filepath.Join("/sys/fs/cgroup", path, "memory.events")
		}
	}
	k.last = k.count()
	return k
}

// grew reports whether there are more than at the last look.
func (k *kills) grew() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := k.count()
	grew := n > k.last
	k.last = n
	return grew
}

func (k *kills) count() int {
	text, err := os.ReadFile(k.path)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok {
			count, _ := strconv.Atoi(n)
			return count
		}
	}
	return 0
}
