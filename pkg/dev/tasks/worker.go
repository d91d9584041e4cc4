package tasks

import (
	"fmt"
	"slices"
	"time"

	"fngen.dev/fngen/pkg/task"
)

// grace is what a task has between the word that it is to end and its kill, as on the
// platform.
const grace = 10 * time.Second

// worker is a process of a function. What it runs is of the service's lock.
type worker struct {
	hello
	generation *generation
	process    Process
	orders     chan order
	running    map[uint64]*execution
	last       uint64
	// retired says that it is given no more tasks.
	retired bool
}

// order is what a process is told, and begins the event to be noted before.
type order struct {
	head
	body   []byte
	begins *task.Event
}

// execution is one attempt of a task.
type execution struct {
	task.Message
	number  uint64
	started time.Time
	why     why
	clocks  []*time.Timer
}

// why an execution is ended from outside.
type why int

const (
	late why = iota + 1
	cancelled
)

func newWorker(g *generation, p Process, h hello) *worker {
	w := &worker{hello: h, generation: g, process: p, running: map[uint64]*execution{}}
	places := 1
	if h.async {
		places = g.function.TaskWorker.Concurrency
	}
	// So many that none waits, since orders are given with the lock held: of each place
	// the end of the last task, and beginning and end of the next.
	w.orders = make(chan order, 3*places)
	return w
}

// take begins a task. The caller holds the lock.
func (w *worker) take(m task.Message) {
	w.last++
	x := &execution{Message: m, number: w.last, started: time.Now().UTC()}
	w.running[x.number] = x
	timeout := w.generation.function.TaskWorker.Timeout.Duration()
	x.clocks = []*time.Timer{time.AfterFunc(timeout, func() {
		s := w.generation.service
		s.mu.Lock()
		defer s.mu.Unlock()
		w.finish(x, late)
	})}
	w.orders <- order{
		head: head{Number: x.number, Call: m.Shape == task.ShapeCall, Attempt: m.Attempt, ID: m.ID}, body: m.Body,
		begins: new(x.event(task.Running)),
	}
}

func (x *execution) event(s task.State) task.Event {
	return task.Event{ID: x.ID, Function: x.Function, Attempt: x.Attempt, State: s, StartedAt: x.started}
}

// finish has a task ended: it is told to, and killed after a while. The caller holds
// the lock.
func (w *worker) finish(x *execution, because why) {
	if w.running[x.number] != x || x.why != 0 {
		return
	}
	x.why = because
	w.orders <- order{head: head{Number: x.number, End: true}}
	x.clocks = append(x.clocks, time.AfterFunc(grace, func() { w.process.Stop(0) }))
}

// retire ends a process once it runs nothing. The caller holds the lock.
func (w *worker) retire() {
	w.retired = true
	if len(w.running) == 0 {
		w.conn.Close() // it ends, and listen sees to the rest
	}
}

// end ends a process, whatever it runs.
func (w *worker) end(within time.Duration) {
	w.conn.Close()
	w.process.Stop(within)
}

// write sends orders until the process has ended.
func (w *worker) write() {
	for {
		select {
		case o := <-w.orders:
			if o.begins != nil {
				w.generation.service.note(*o.begins)
			}
			_ = send(w.conn, o.head, o.body) // one that cannot be told is at its end
		case <-w.process.Done():
			return
		}
	}
}

// stopTime is how long a process has to end that nothing is wanted of.
const stopTime = 2 * time.Second

// listen reads what becomes of tasks, until the process ends.
func (w *worker) listen() {
	for {
		h, body, err := receive(w.read)
		if err != nil {
			break
		}
		w.settle(h.Number, func(x *execution) (task.State, *task.Error) { return x.told(w.generation, task.Code(h.Code), body) }, body)
	}
	w.conn.Close()
	w.process.Stop(stopTime)
	s := w.generation.service
	s.mu.Lock()
	w.retired = true
	w.generation.workers = slices.DeleteFunc(w.generation.workers, func(o *worker) bool { return o == w })
	var numbers []uint64
	for number := range w.running {
		numbers = append(numbers, number)
	}
	s.mu.Unlock()
	slices.Sort(numbers)
	for _, number := range numbers {
		w.settle(number, func(x *execution) (task.State, *task.Error) { return w.crashed(x) }, nil)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w.generation.of.hand()
}

// told is what an attempt came to by the account of its process.
func (x *execution) told(g *generation, code task.Code, body []byte) (task.State, *task.Error) {
	switch {
	case code == task.Well:
		return task.Succeeded, nil
	case code != task.BadPayload && x.why == cancelled:
		return task.Failed, task.Cancelled()
	}
	return code.Next(x.Attempt, x.First, g.function.TaskWorker.Retries), code.Failure(body)
}

// crashed is what an attempt came to whose process has ended in the middle.
func (w *worker) crashed(x *execution) (task.State, *task.Error) {
	if x.why == cancelled {
		return task.Failed, task.Cancelled()
	}
	options := w.generation.function.TaskWorker
	e := &task.Error{Reason: task.ReasonCrashed, Output: task.Cut(w.process.Tail())}
	switch code := w.process.ExitCode(); {
	case x.why == late:
		e.Reason, e.Type = task.ReasonTimeout, "fngen.TaskTimeout"
		e.Message = fmt.Sprintf("the task took longer than %s, and did not end within %s of being told to: its process was killed", options.Timeout.Duration(), grace)
	case code >= 0:
		e.Message = fmt.Sprintf("the task ended its process with exit code %d", code)
	default:
		e.Message = "the process was killed"
	}
	return task.Exited.Next(x.Attempt, x.First, options.Retries), e
}

// settle notes what an attempt came to, and has what follows follow.
func (w *worker) settle(number uint64, came func(*execution) (task.State, *task.Error), result []byte) {
	s := w.generation.service
	s.mu.Lock()
	x := w.running[number]
	delete(w.running, number)
	if x == nil || s.ending.Err() != nil { // the next time it begins anew
		s.mu.Unlock()
		return
	}
	for _, clock := range x.clocks {
		clock.Stop()
	}
	if w.retired {
		w.retire()
	}
	state, failure := came(x)
	w.generation.of.hand()
	s.mu.Unlock()
	s.come(x, state, failure, result)
}

// come notes an end, and has a task that is to be tried again come again.
func (s *Service) come(x *execution, state task.State, failure *task.Error, result []byte) {
	e := x.event(state)
	e.Error = failure
	if state == task.Succeeded {
		e.Result = task.Result(result)
	}
	if state != task.Retrying {
		s.note(e)
		return
	}
	pause := s.pause(x.Attempt - x.First + 1)
	e.NextAt = time.Now().UTC().Add(pause)
	s.note(e)
	next := x.Message
	next.Attempt++
	s.mu.Lock()
	defer s.mu.Unlock()
	s.later(next, pause)
}
