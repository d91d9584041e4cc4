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
	// turn is its place among others; nil for one that is run apart, or not at all.
	turn *Turn
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
	clocks []*time.Timer
}

// isApart reports whether there is something to be done before it waits for its turn.
func (x *execution) isApart() bool { return x.redelivered || x.m.Large != (task.Large{}) }

// why an execution is ended from outside.
type why int

const (
	late why = iota + 1
	cancelled
	broken // the agent stops
)

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
	switch {
	case x.turn != nil:
		return r.came(x)(x.turn.Wait(x.waiting))
	case r.isCancelled(x.id):
		return cancelledEnd()
	}
	return r.apart(x)
}

// apart runs a task that does not just wait for its turn: one whose payload is fetched
// first, no more of them at once than run, or one that was handed out before.
func (r *Runner) apart(x *execution) end {
	select {
	case r.fetching <- struct{}{}:
		defer func() { <-r.fetching }()
	case <-x.waiting.Done():
		return r.came(x)(outcome{}, x.waiting.Err())
	}
	m, missing := r.whole(x)
	switch {
	case missing != nil:
		return *missing
	case !x.redelivered:
		return r.came(x)(r.crew.Queue(m, r.watching(x)).Wait(x.waiting))
	}
	return r.quarantine(x, m)
}

// quarantine has a message that was handed out before run in a process of its own, if the
// control plane has nothing against it. That is asked when there is a place: with the
// answer the task counts as begun.
func (r *Runner) quarantine(x *execution, m task.Message) end {
	free, err := r.crew.Place(x.waiting)
	if err != nil {
		return r.came(x)(outcome{}, err)
	}
	defer free()
	switch r.claim(x) {
	case Done:
		return end{answer: acknowledge}
	case Held:
		return end{answer: acknowledge, again: true}
	case Poison:
		return poisoned()
	case Run:
	}
	return r.came(x)(r.crew.RunAlone(m, r.watching(x)))
}

// came says what a run came to.
func (r *Runner) came(x *execution) func(outcome, error) end {
	return func(o outcome, err error) end {
		if err != nil && r.isCancelled(x.id) {
			return cancelledEnd()
		}
		if err != nil || o.crashed && r.crew.isGone() {
			return end{answer: giveBack} // what ended all may be the task: it comes again, alone
		}
		return r.ended(x, o)
	}
}

// silence is how long a control plane that did not answer is not asked again: many
// messages may wait for it.
const silence = 10 * time.Second

func (r *Runner) claim(x *execution) Verdict {
	r.mu.Lock()
	silent := time.Now().Before(r.silent)
	r.mu.Unlock()
	if silent {
		return Run
	}
	ctx, cancel := context.WithTimeout(context.Background(), claimWait)
	defer cancel()
	v, err := r.platform.Claim(ctx, x.id, x.attempt)
	if err != nil {
		r.mu.Lock()
		r.silent = time.Now().Add(silence)
		r.mu.Unlock()
		return Run
	}
	return v
}

func (r *Runner) watching(x *execution) func(stop func(kill bool)) {
	return func(stop func(kill bool)) { r.watch(x, stop) }
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
	x.clocks = []*time.Timer{time.AfterFunc(r.o.Timeout, func() { x.finish(late, r.o.Grace) })}
	x.mu.Unlock()
	if r.breaking.Err() != nil { // it had not begun when all that had were ended
		x.finish(broken, breakGrace)
	}
	begun := r.event(x, task.Running)
	r.say(begun)
	r.tell.begun(begun)
	if r.isCancelled(x.id) { // between the last look and now
		x.finish(cancelled, r.o.Grace)
	}
}
