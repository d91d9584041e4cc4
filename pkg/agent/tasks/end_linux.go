package tasks

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/task"
)

// end is what an attempt came to: a state to be told with its result or error, or no
// state, where there is nothing to tell. The answer to its message follows.
type end struct {
	state  task.State
	result json.RawMessage
	err    *task.Error
	answer answer
	// again has the same attempt come again after a while.
	again bool
}

// answer is what a message is answered with.
type answer int

const (
	acknowledge answer = iota
	// reject makes it a dead letter.
	reject
	// giveBack puts it back into its queue; nobody is charged.
	giveBack
)

func (a answer) give(d *queue.Delivery) error {
	switch a {
	case reject:
		return d.Reject()
	case giveBack:
		return d.Return()
	}
	return d.Ack(false)
}

func cancelledEnd() end {
	return end{state: task.Failed, err: task.Cancelled()}
}

func poisoned() end {
	return end{state: task.Dead, answer: reject, err: &task.Error{
		Reason: task.ReasonCrashed, Message: "twice all that ran on the server ended while the task ran: it is not tried again",
	}}
}

// ended says what the account of a process comes to.
func (r *Runner) ended(x *execution, o outcome) end {
	if !o.crashed && o.done.code == well {
		return end{state: task.Succeeded, result: task.Result(o.done.body)}
	}
	by := x.endedBy()
	if !o.crashed && o.done.code == badPayload {
		return end{state: task.Failed, err: r.failure(x, o, by), answer: reject}
	}
	switch by {
	case broken:
		return end{answer: giveBack}
	case cancelled:
		return cancelledEnd()
	case late:
	}
	if !o.crashed && o.done.code == badResult {
		return end{state: task.Failed, err: r.failure(x, o, by)}
	}
	if task.Exited.Next(x.attempt, x.m.First, r.o.Retries) == task.Retrying {
		return end{state: task.Retrying, err: r.failure(x, o, by)}
	}
	return end{state: task.Dead, err: r.failure(x, o, by), answer: reject}
}

// failure is the error of an attempt.
func (r *Runner) failure(x *execution, o outcome, by why) *task.Error {
	if o.crashed {
		e := r.crash(o.status, by)
		if r.o.Heard != nil {
			r.o.Heard()
		}
		e.Output = task.Cut(r.o.Tails.of(x.id))
		return e
	}
	return o.done.code.Failure(o.done.body)
}

// crash tells how a process ended in the middle of a task.
func (r *Runner) crash(status syscall.WaitStatus, by why) *task.Error {
	if by == late {
		return &task.Error{Reason: task.ReasonTimeout, Type: "fngen.TaskTimeout", Message: fmt.Sprintf(
			"the task took longer than %s, and did not end within %s of being told to: its process was killed", r.o.Timeout, r.o.Grace)}
	}
	e := &task.Error{Reason: task.ReasonCrashed}
	switch {
	case !status.Signaled():
		e.Message = fmt.Sprintf("the task ended its process with exit code %d", status.ExitStatus())
	case status.Signal() == syscall.SIGKILL && r.memory.grew():
		e.Reason = task.ReasonMemory
		e.Message = fmt.Sprintf("the process was killed for memory: the instance may have %d MB", r.o.MemoryMB)
	default:
		e.Message = "the process was killed by " + unix.SignalName(status.Signal())
	}
	return e
}

// settlement is an attempt that has ended and is to be acknowledged when that is written
// down.
type settlement struct {
	x     *execution
	begin time.Time
}

// settle tells what an attempt came to, and then answers its message. Most are only to be
// acknowledged, which is done for many at once.
func (r *Runner) settle(x *execution, e end) {
	begin := time.Now()
	if e.state != "" && e.state != task.Retrying && e.answer == acknowledge && !e.again {
		event := r.eventOf(x, e)
		r.say(event)
		r.tell.endedAs(event, &settlement{x, begin})
		return
	}
	defer r.over(x)
	if e.state == task.Retrying {
		tier := task.Tier(x.attempt-x.m.First+1, rand.Float64())
		event := r.eventOf(x, e)
		event.NextAt = event.At.Add(tier)
		r.say(event)
		r.tell.ended(event)
		next := x.m
		next.Attempt++
		r.send(queue.TaskLetter(task.DelayExchange(tier), next))
	} else if e.state != "" {
		event := r.eventOf(x, e)
		r.say(event)
		r.tell.ended(event)
	}
	if e.again {
		r.send(queue.TaskLetter(task.DelayExchange(heldPause), x.m))
	}
	r.o.Tails.end(x.id)
	r.mu.Lock()
	d := x.d
	delete(r.running, x.key)
	if e.answer != giveBack && !e.again { // what comes again is to be run then
		r.recent.add(x.key, e.answer)
		r.settles.add(time.Since(begin))
	}
	r.mu.Unlock()
	// An answer that does not arrive is given when the message comes again.
	_ = e.answer.give(d)
}

// acknowledge answers the messages of attempts whose ends are written down.
func (r *Runner) acknowledge(settled []*settlement) {
	if len(settled) == 0 {
		return
	}
	ds := make([]*queue.Delivery, len(settled))
	for _, s := range settled {
		r.o.Tails.end(s.x.id)
	}
	r.mu.Lock()
	for i, s := range settled {
		ds[i] = s.x.d
		delete(r.running, s.x.key)
		r.recent.add(s.x.key, acknowledge)
		r.settles.add(time.Since(s.begin))
	}
	r.mu.Unlock()
	queue.AckAll(ds) // what does not arrive is given when the message comes again
	for _, s := range settled {
		r.over(s.x)
	}
}

// over ends an execution whose message is answered.
func (r *Runner) over(x *execution) {
	x.giveUp()
	r.runs.Done()
}

func (r *Runner) say(e task.Event) {
	if r.o.Say != nil {
		r.o.Say(e)
	}
}

// heldPause is how long a task waits that another allocation runs.
const heldPause = 5 * time.Second

func (r *Runner) event(x *execution, s task.State) task.Event {
	return task.Event{
		ID: x.id, Function: r.o.Function, Attempt: x.attempt, State: s, At: time.Now().UTC(), StartedAt: x.started.UTC(),
		Allocation: r.o.Allocation, Server: r.o.Server, Release: r.o.Release,
	}
}

func (r *Runner) eventOf(x *execution, e end) task.Event {
	event := r.event(x, e.state)
	event.Result, event.Error = e.result, e.err
	if x.started.IsZero() {
		event.StartedAt = time.Time{}
	}
	return event
}
