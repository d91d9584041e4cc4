package tasks

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/task"
)

// Options say how a function's tasks are run, and where.
type Options struct {
	Project, Function  string
	Allocation, Server string
	Release            int
	Concurrency        int
	Timeout            time.Duration
	Retries            int
	// Grace is what a task has between the word that it is to end and its kill.
	Grace time.Duration
	// MemoryMB is what the instance may have, 0 if nobody knows.
	MemoryMB int
	// Tails keep what tasks print, and Heard returns when what was printed until now is
	// in them. Both may be nil.
	Tails *Tails
	Heard func()
	// Say is told of each attempt that begins and of what it came to, for the log. It may
	// be nil.
	Say func(task.Event)
}

// Source hands out messages: a queue.Session.
type Source interface {
	Deliveries() <-chan *queue.Delivery
	// SetPrefetch says how many messages may come before one is answered.
	SetPrefetch(n int)
	Drain()
}

// Publisher sends messages: a queue.Publisher.
type Publisher interface {
	PublishAll(ctx context.Context, ms []queue.Letter) []error
}

// Platform answers what only the control plane knows.
type Platform interface {
	// Claim asks whether a message that was handed out before may be run.
	Claim(ctx context.Context, id string, attempt int) (Verdict, error)
	// Payload fetches a payload that is too large for its message, or returns
	// ErrPayloadGone.
	Payload(ctx context.Context, id string, is task.Large) ([]byte, error)
}

// Verdict is the answer to a claim.
type Verdict string

// The verdicts on a task that was handed out before.
const (
	Run    Verdict = "run"    // alone in a process
	Done   Verdict = "done"   // it has ended
	Held   Verdict = "held"   // another allocation runs it
	Poison Verdict = "poison" // it kills whatever runs it
)

// Runner brings each task from its message to its end.
type Runner struct {
	o        Options
	crew     *Crew
	source   Source
	tell     *teller
	publish  Publisher
	platform Platform
	log      *slog.Logger
	memory   *kills

	// stopping ends with Stop; breaking ends when what runs is to be given back.
	stopping, breaking context.Context
	stop, breakOff     context.CancelFunc
	runs               sync.WaitGroup
	fetch              fetcher
	// fetching has as many places as tasks with payloads to be fetched may be under way.
	fetching chan struct{}

	mu        sync.Mutex
	running   map[key]*execution
	recent    *recent
	cancelled map[string]bool
	// settles is how long it takes from the end of a task to its answer.
	settles pace
	// silent is until when the control plane is not asked, since it did not answer.
	silent time.Time
}

type key struct {
	id      string
	attempt int
}

// NewRunner makes a runner.
func NewRunner(o Options, c *Crew, s Source, p Publisher, platform Platform, log *slog.Logger) *Runner {
	r := &Runner{
		o: o, crew: c, source: s, publish: p, platform: platform, log: log, memory: newKills(),
		running: map[key]*execution{}, recent: newRecent(), cancelled: map[string]bool{},
	}
	r.tell = newTeller(p, r.acknowledge)
	r.stopping, r.stop = context.WithCancel(context.Background())
	r.breaking, r.breakOff = context.WithCancel(context.Background())
	r.fetching = make(chan struct{}, o.Concurrency)
	r.fetch = fetcher{source: s, most: o.Concurrency, now: o.Concurrency}
	return r
}

// Serve runs tasks until Stop, and then those that have begun to their end.
func (r *Runner) Serve() error {
	defer r.tell.close()
	for {
		select {
		case d := <-r.source.Deliveries():
			r.fetch.arm()
			r.take(d)
		case <-r.fetch.tick:
			r.fetch.adjust(r.crew.Load(r.settling()))
		case <-r.crew.Gone():
			r.stop()
			r.runs.Wait()
			return errGone
		case <-r.stopping.Done():
			r.source.Drain()
			r.crew.Stop()
			r.drain()
			return nil
		}
	}
}

// drain gives back what comes late, while tasks come to their end.
func (r *Runner) drain() {
	over := make(chan struct{})
	go func() { r.runs.Wait(); close(over) }()
	for {
		select {
		case d := <-r.source.Deliveries():
			if d.Queue == task.ControlQueue(r.o.Allocation) {
				r.control(d)
				continue
			}
			_ = d.Return() // an error: it comes again by itself
		case <-over:
			return
		}
	}
}

// Stop takes no more tasks. Those that run end by themselves.
func (r *Runner) Stop() { r.stop() }

// Break ends the tasks that run, and gives them back. They are charged with nothing.
func (r *Runner) Break() {
	r.stop()
	r.breakOff()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.running {
		x.finish(broken, breakGrace)
	}
}

// take does with a message what is to be done with it.
func (r *Runner) take(d *queue.Delivery) {
	if d.Queue == task.ControlQueue(r.o.Allocation) {
		r.control(d)
		return
	}
	m, err := d.Task()
	if err != nil {
		r.log.Error("refused a message", slog.Any("error", err))
		_ = d.Reject()
		return
	}
	x, isNew := r.adopt(m, d)
	if !isNew {
		return
	}
	if !x.isApart() && !r.isCancelled(x.id) {
		x.turn = r.crew.Queue(m, r.watching(x)) // here, so that the order stays
	}
	r.runs.Add(1)
	go func() { r.settle(x, r.run(x)) }()
}

// adopt joins a message to the execution of its task, where this agent has one: under
// way, or ended a while ago.
func (r *Runner) adopt(m task.Message, d *queue.Delivery) (*execution, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := key{m.ID, m.Attempt}
	if x := r.running[k]; x != nil {
		x.d = d
		return x, false
	}
	if answer, known := r.recent.get(k); known {
		_ = answer.give(d)
		return nil, false
	}
	x := &execution{key: k, m: m, d: d, redelivered: d.Redelivered}
	until := context.Background() // the crew tells of a stop, but to those that it does not have
	if x.isApart() {
		until = r.stopping
	}
	x.waiting, x.giveUp = context.WithCancel(until)
	r.running[k] = x
	return x, true
}

// control ends tasks that a person has cancelled.
func (r *Runner) control(d *queue.Delivery) {
	var c task.Control
	_ = json.Unmarshal(d.Body, &c) // of a later platform: nothing of ours in it
	r.Cancel(c.Cancel...)
	_ = d.Ack(false)
}

// Cancel ends tasks that run, and has those that come not begun.
func (r *Runner) Cancel(ids ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		r.cancelled[id] = true
		for k, x := range r.running {
			if k.id == id {
				x.giveUp()
				x.finish(cancelled, r.o.Grace)
			}
		}
	}
}

// Only is the task that runs when no other does, else empty: then whatever is printed is
// its own.
func (r *Runner) Only() string { return r.crew.Only() }

func (r *Runner) settling() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.settles.mean
}

func (r *Runner) isCancelled(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cancelled[id]
}
