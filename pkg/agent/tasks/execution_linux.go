package tasks

import (
	"context"
	"sync"
	"time"

	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/task"
)

// execution is one attempt of a task, here.
type execution struct {
	key
	m           task.Message
	redelivered bool
	// d is the newest message of it; of the runner's lock.
	d       *queue.Delivery
	started time.Time
	// waiting ends when it is not to be begun any more.
	waiting context.Context
	giveUp  context.CancelFunc

	mu sync.Mutex
	// end ends what runs; nil while nothing does.
	end func(kill bool)
	// why it was ended before its time.
	why why
	// clocks are stopped when it is over.
	clocks []stopper
}

// why an execution is ended from outside.
type why int

const (
	late why = iota + 1
	cancelled
	broken // the agent stops
)

// stopper is a clock, or a hook.
type stopper interface{ Stop() bool }

type hook func() bool

func (h hook) Stop() bool { return h() }

// finish ends what runs: it is told to, and killed after a while.
func (x *execution) finish(w why, grace time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.end == nil || x.why != 0 {
		return
	}
	x.why = w
	end := x.end
	end(false)
	x.clocks = append(x.clocks, time.AfterFunc(grace, func() { end(true) }))
}

// endedBy is why it was ended.
func (x *execution) endedBy() why {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.why
}

// claimWait is how long a claim may take: without an answer the task is run, for at
// least once is what is promised.
const claimWait = 2 * time.Second

// breakGrace is what a task has to clean up when the agent stops for good.
const breakGrace = 5 * time.Second

// run has a task run, where it may be, and says what it came to.
func (r *Runner) run(x *execution) end {
	if r.stopping.Err() != nil {
		return end{answer: giveBack}
	}
	if r.isCancelled(x.id) {
		return cancelledEnd()
	}
	if x.redelivered {
		switch r.claim(x) {
		case Done:
			return end{answer: acknowledge}
		case Held:
			return end{answer: acknowledge, again: true}
		case Poison:
			return poisoned()
		case Run:
		}
	}
	m, missing := r.whole(x)
	if missing != nil {
		return *missing
	}
	o, err := r.crew.Run(x.waiting, m, x.redelivered, func(stop func(kill bool)) { r.watch(x, stop) })
	if err != nil && r.isCancelled(x.id) {
		return cancelledEnd()
	}
	if err != nil || o.crashed && r.crew.isGone() {
		return end{answer: giveBack} // what ended all may be the task: it comes again, alone
	}
	return r.ended(x, o)
}

func (r *Runner) claim(x *execution) Verdict {
	ctx, cancel := context.WithTimeout(context.Background(), claimWait)
	defer cancel()
	v, err := r.platform.Claim(ctx, x.id, x.attempt)
	if err != nil {
		return Run
	}
	return v
}

// watch holds a task that has begun to its time; nil says that it is over.
func (r *Runner) watch(x *execution, stop func(kill bool)) {
	x.mu.Lock()
	x.end = stop
	for _, clock := range x.clocks {
		clock.Stop()
	}
	x.clocks = nil
	if stop == nil {
		x.mu.Unlock()
		return
	}
	x.started = time.Now()
	r.o.Tails.begin(x.id)
	x.clocks = []stopper{
		time.AfterFunc(r.o.Timeout, func() { x.finish(late, r.o.Grace) }),
		hook(context.AfterFunc(r.breaking, func() { x.finish(broken, breakGrace) })),
	}
	x.mu.Unlock()
	r.tell.begun(r.event(x, task.Running))
	if r.isCancelled(x.id) { // between the last look and now
		x.finish(cancelled, r.o.Grace)
	}
}
