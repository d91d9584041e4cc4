package tasks

import (
	"sync"
	"sync/atomic"
	"time"

	"fngen.dev/fngen/pkg/task"
)

// job is one task on its way through the processes: it waits in the crew's queue, then in
// the socket of a process, and then the process is at it. Until then it can go elsewhere.
type job struct {
	number uint64
	m      task.Message
	// begun is told once when a process is at it, before its outcome is.
	begun func(j *job)
	told  atomic.Pointer[sync.Once]
	// outcome gets one value.
	outcome chan outcome
	// worker has it in its pipe; nil while it waits. Of the crew's lock, as since, which is
	// when the process came to it.
	worker *worker
	since  time.Time
	// place is set for one that takes a place and no process of the crew's.
	place bool
}

func newJob(m task.Message, begun func(*job)) *job {
	j := &job{m: m, begun: begun, outcome: make(chan outcome, 1)}
	j.renew()
	return j
}

// renew has it be with no process. With the crew's lock.
func (j *job) renew() {
	j.worker, j.since = nil, time.Time{}
	j.told.Store(new(sync.Once))
}

func (j *job) tell() {
	if j.begun != nil {
		j.told.Load().Do(func() { j.begun(j) })
	}
}

// end tells what became of it. Whoever is about to tell that it has begun is waited for.
func (j *job) end(o outcome) {
	if !o.unstarted {
		j.tell()
	}
	j.outcome <- o
}

// verdict is a job with what is to be told of it, when the crew's lock is not held.
type verdict struct {
	j *job
	o outcome
}

// news are what came about under the crew's lock, to be told without it.
type news struct {
	begun []*job
	ended []verdict
}

func (n *news) tell() {
	for _, j := range n.begun {
		j.tell()
	}
	for _, v := range n.ended {
		v.j.end(v.o)
	}
}
