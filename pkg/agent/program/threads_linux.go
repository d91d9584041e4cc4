package program

import (
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/pkg/agent/confine"
	"fngen.dev/fngen/pkg/agent/console"
)

// tasksPause is how often it is looked how many processes and threads there are.
const tasksPause = 2 * time.Second

// Threads tells a person that a program has as many processes and threads as it may:
// the program itself only hears that a resource is unavailable.
type Threads struct {
	UID int
	Log console.Logger
}

// Watch says it once, and again when there have been fewer meanwhile.
func (t *Threads) Watch(done <-chan struct{}) {
	tick := time.NewTicker(tasksPause)
	defer tick.Stop()
	for said := false; ; {
		select {
		case <-done:
			return
		case <-tick.C:
			full := t.count() >= confine.MaxTasks
			if full && !said {
				t.Log.Say("it has %d processes and threads, as many as it may: no more can be started", confine.MaxTasks)
			}
			said = full
		}
	}
}

// count adds up the threads of all processes of the user that the agent sees, which
// in a task are those of the task. One is a link of the directory of its process.
func (t *Threads) count() int {
	found, _ := filepath.Glob("/proc/[0-9]*/task") // the pattern is right
	n := 0
	for _, path := range found {
		var st unix.Stat_t
		if unix.Stat(path, &st) == nil && int(st.Uid) == t.UID { // else it has ended
			n += int(st.Nlink) - 2
		}
	}
	return n
}
