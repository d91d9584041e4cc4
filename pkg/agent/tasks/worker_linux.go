package tasks

import (
	"errors"
	"net"
	"os"
	"slices"
	"syscall"
	"time"
)

// worker is one process. It has as many places as it runs tasks at once: one, or of an
// async function all. Its fields are of the crew's lock.
type worker struct {
	pid    int
	conn   *net.UnixConn
	theirs *os.File
	page   *page
	places int

	// pipe are the tasks that it was handed, in their order: it is at the first of them,
	// as many as it has places, and the others are in its socket.
	pipe []*job
	// bytes are what those in the socket come to.
	bytes int
	// began is when it came to the last one.
	began time.Time
	// over says that it takes no more tasks: it is dead, or is to end.
	over   bool
	memory int
	// proven says that it has come to a task.
	proven bool
	// blames is the task for which it is killed: others that it is at are run again.
	blames *job
}

// outcome is what became of a task in a process.
type outcome struct {
	// unstarted says that it was not begun, and will not be.
	unstarted bool
	// innocent says that its process was killed for another one.
	innocent bool
	// crashed says that the process ended in the middle, and status how.
	crashed bool
	status  syscall.WaitStatus
	done    done
}

// maxPipe bounds what is in a socket, so that no task has to wait for room there.
const maxPipe = 64 << 10

// behind is how many tasks it has that it is not at.
func (w *worker) behind() int { return max(len(w.pipe)-w.places, 0) }

// runs is how many it is at.
func (w *worker) runs() int { return min(len(w.pipe), w.places) }

// put hands a task to the process, and reports whether there was room.
func (w *worker) put(j *job, now time.Time) bool {
	err := sendTask(w.conn, j.number, j.m)
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return false
	case err != nil:
		// Its end is seen by who reads; if it goes on, it goes on without this task.
		w.over = true
		_ = w.conn.CloseWrite()
		return false
	}
	j.worker = w
	w.pipe = append(w.pipe, j)
	if len(w.pipe) <= w.places {
		w.began, j.since = now, now
	} else {
		w.bytes += len(j.m.Body)
	}
	return true
}

// take removes a task that has ended, and returns it with the one that the process is at
// since, each nil where there is none.
func (w *worker) take(number uint64, now time.Time) (ended, next *job) {
	i := slices.IndexFunc(w.pipe, func(j *job) bool { return j.number == number })
	if i < 0 || i >= w.places {
		return nil, nil // strangers' code may say anything
	}
	ended = w.pipe[i]
	w.pipe = slices.Delete(w.pipe, i, i+1)
	if len(w.pipe) >= w.places {
		next = w.pipe[w.places-1]
		w.bytes -= len(next.m.Body)
		w.began, next.since = now, now
	}
	return ended, next
}

// recall takes back what the process has not taken out of its socket, in its order. One
// that it should have come to is told to have begun once more, when it does.
func (w *worker) recall(now time.Time, n *news) []*job {
	var back []*job
	for len(w.pipe) > 0 {
		number, err := takeBack(w.theirs)
		if err != nil {
			break // it has taken them all, or has ended
		}
		i := slices.IndexFunc(w.pipe, func(j *job) bool { return j.number == number })
		if i < 0 {
			continue
		}
		j := w.pipe[i]
		w.pipe = slices.Delete(w.pipe, i, i+1)
		j.renew()
		back = append(back, j)
	}
	w.bytes = 0
	for i, j := range w.pipe {
		if i >= w.places {
			w.bytes += len(j.m.Body)
		} else if j.since.IsZero() {
			w.began, j.since = now, now
			n.begun = append(n.begun, j)
		}
	}
	return back
}

// bury says what became of the tasks of a process that has ended. Those that it had not
// come to are returned.
func (w *worker) bury(status syscall.WaitStatus, n *news) []*job {
	var back []*job
	for _, j := range w.pipe {
		if isWell, ended := w.page.ended(j.number); ended {
			o := outcome{done: done{number: j.number, code: raised, body: []byte(`{"message": "the process ended before it told why the task failed"}`)}}
			if isWell {
				o.done = done{number: j.number, code: well, body: []byte("null")}
			}
			n.ended = append(n.ended, verdict{j, o})
		} else if w.page.begun(j.number) {
			innocent := w.blames != nil && w.blames != j
			n.ended = append(n.ended, verdict{j, outcome{crashed: !innocent, innocent: innocent, status: status}})
		} else {
			j.renew()
			back = append(back, j)
		}
	}
	w.pipe, w.bytes, w.over = nil, 0, true
	w.conn.Close()
	w.theirs.Close()
	w.page.close()
	return back
}
