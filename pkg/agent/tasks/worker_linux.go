package tasks

import (
	"net"
	"sync"
	"syscall"

	"fngen.dev/fngen/pkg/task"
)

// worker is one process. It has as many places as it runs tasks at once: one, or of an
// async function all.
type worker struct {
	pid     int
	conn    *net.UnixConn
	page    *page
	isAsync bool

	mu   sync.Mutex
	jobs map[uint64]*job
	// over says that it takes no more tasks: it is dead, or is to end.
	over   bool
	memory int
}

// job is one task in a process.
type job struct {
	number uint64
	place  int
	// outcome gets one value.
	outcome chan outcome
}

// outcome is what became of a task in a process.
type outcome struct {
	// unstarted says that the process ended before it began with it.
	unstarted bool
	// crashed says that the process ended in the middle, and status how.
	crashed bool
	status  syscall.WaitStatus
	done    done
}

// begin hands a task to the process.
func (w *worker) begin(number uint64, place int, m task.Message) *job {
	j := &job{number, place, make(chan outcome, 1)}
	w.mu.Lock()
	if w.over {
		w.mu.Unlock()
		j.outcome <- outcome{unstarted: true}
		return j
	}
	w.jobs[number] = j
	w.mu.Unlock() // its outcomes are read meanwhile, or neither side would go on
	if err := sendTask(w.conn, number, place, m); err != nil {
		// Its end is seen by who reads; if it goes on, it goes on without this task.
		_ = w.conn.CloseWrite()
	}
	return j
}

// read takes outcomes until the process has closed its socket.
func (w *worker) read() error {
	buf := make([]byte, doneHead+largest+1)
	for {
		d, err := readDone(w.conn, buf)
		if err != nil {
			return err
		}
		w.mu.Lock()
		j := w.jobs[d.number]
		delete(w.jobs, d.number)
		w.memory = d.memory
		w.mu.Unlock()
		if j != nil {
			j.outcome <- outcome{done: d}
		}
	}
}

// bury says what became of the tasks of a process that has ended.
func (w *worker) bury(status syscall.WaitStatus) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	for number, j := range w.jobs {
		o := outcome{unstarted: true}
		if isWell, ended := w.page.ended(j.place, number); ended {
			o = outcome{done: done{number: number, code: raised, body: []byte(`{"message": "the process ended before it told why the task failed"}`)}}
			if isWell {
				o.done = done{number: number, code: well, body: []byte("null")}
			}
		} else if w.page.begun(j.place, number) {
			o = outcome{crashed: true, status: status}
		}
		j.outcome <- o
	}
	clear(w.jobs)
	w.conn.Close()
	w.page.close()
}

// usable reports whether the process takes tasks.
func (w *worker) usable() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.over
}

// retire lets the process end when it has done what it has.
func (w *worker) retire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over && len(w.jobs) > 0 {
		return
	}
	w.over = true
	if len(w.jobs) == 0 {
		_ = w.conn.CloseWrite() // an error: it has ended
	}
}

// tooLarge reports whether the process has more memory than it may, in KiB.
func (w *worker) tooLarge(most int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return most > 0 && w.memory > most
}
