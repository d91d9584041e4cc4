package tasks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// errGone is a zygote that has ended: no process can be started any more. errStopped is a
// crew that begins no more tasks.
var (
	errGone    = errors.New("the process that starts workers has ended")
	errStopped = errors.New("no more tasks are begun")
)

// Crew are the processes that run a function. It starts them when there is work for
// them, up to a number, by asking the zygote.
type Crew struct {
	control *net.UnixConn
	// most is how many tasks may run at once.
	most int
	// memory is what a process may have, in KiB; one that has more is replaced.
	memory int
	log    *slog.Logger
	ready  chan ready
	gone   chan struct{}
	// launching is held by who waits for a process to be started.
	launching sync.Mutex
	launched  chan newWorker

	mu     sync.Mutex
	number uint64
	exits  map[int]chan syscall.WaitStatus
	isOne  bool // one process runs all, since the function is async
	pace   pace
	// queue are the tasks that no process has, the next one first.
	queue []*job
	// workers are the processes that take tasks, alone those that have one of their own.
	workers, alone []*worker
	// starting are processes that are about to be there, held places that are taken for
	// processes with a task of their own.
	starting, held int
	// failed processes ended before they came to a task, and no other is started before.
	failed    int
	notBefore time.Time
	// began is when the last task was begun.
	began    time.Time
	looks    bool
	stopping bool
}

// NewCrew speaks to a zygote over its socket.
func NewCrew(control *os.File, most, memoryKiB int, log *slog.Logger) (*Crew, error) {
	conn, err := net.FileConn(control)
	control.Close()
	if err != nil {
		return nil, fmt.Errorf("open the socket of the zygote: %w", err)
	}
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.New("open the socket of the zygote: it is another kind of socket")
	}
	c := &Crew{
		control: unix, most: most, memory: memoryKiB, log: log, ready: make(chan ready, 1),
		gone: make(chan struct{}), launched: make(chan newWorker, 1), exits: map[int]chan syscall.WaitStatus{},
	}
	go c.listen()
	return c, nil
}

// Ready waits until the person's code is imported. It says why processes cannot be
// forked, or nothing.
func (c *Crew) Ready(ctx context.Context) (string, error) {
	select {
	case r := <-c.ready:
		c.mu.Lock()
		c.isOne = r.Async
		c.mu.Unlock()
		return r.Spawn, nil
	case <-c.gone:
		return "", errGone
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Close has the zygote and all processes end.
func (c *Crew) Close() { c.control.Close() }

// Gone is closed when the zygote has ended.
func (c *Crew) Gone() <-chan struct{} { return c.gone }

func (c *Crew) isGone() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}

// Stop begins no more tasks: Wait ends for those that have not begun.
func (c *Crew) Stop() {
	var n news
	c.mu.Lock()
	c.stopping = true
	c.recall(&n)
	c.schedule(&n)
	c.mu.Unlock()
	n.tell()
}

// recall takes back what lies in the sockets of processes.
func (c *Crew) recall(n *news) {
	now := time.Now()
	var back []*job
	for _, w := range c.workers {
		back = append(back, w.recall(now, n)...)
	}
	c.queue = append(back, c.queue...)
}

// withdraw takes a job back, and reports whether that was before it began.
func (c *Crew) withdraw(j *job) bool {
	var n news
	defer n.tell()
	c.mu.Lock()
	defer c.mu.Unlock()
	if w := j.worker; w != nil {
		c.queue = append(w.recall(time.Now(), &n), c.queue...)
	}
	i := slices.Index(c.queue, j)
	if i >= 0 {
		c.queue = slices.Delete(c.queue, i, i+1)
	}
	c.schedule(&n)
	return i >= 0
}

// end ends a task that runs.
func (c *Crew) end(j *job, kill bool) {
	c.mu.Lock()
	w := j.worker
	has := func(number uint64) bool {
		return slices.ContainsFunc(w.pipe, func(j *job) bool { return j.number == number })
	}
	if w == nil || !has(j.number) {
		c.mu.Unlock()
		return
	}
	signal := syscall.SIGUSR1
	if kill {
		w.blames, signal = j, syscall.SIGKILL
	} else {
		w.page.cancel(j.number, has)
	}
	c.mu.Unlock()
	_ = c.signal(w, signal) // where the zygote has ended all have
}

// signal sends a signal to a process and, where it kills, to what that has started.
func (c *Crew) signal(w *worker, s syscall.Signal) error {
	return c.tell(map[string]any{"op": "signal", "pid": w.pid, "signal": int(s), "group": s == syscall.SIGKILL})
}

// Only is the task that runs when no other does, else empty.
func (c *Crew) Only() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	id, n := "", 0
	for _, ws := range [][]*worker{c.workers, c.alone} {
		for _, w := range ws {
			if n += w.runs(); w.runs() == 1 {
				id = w.pipe[0].m.ID
			}
		}
	}
	if n != 1 {
		return ""
	}
	return id
}

// stuck is how long nothing may begin before what waits is better off elsewhere.
const stuck = 500 * time.Millisecond

// Load says how many tasks may be fetched beside those that run, where it takes settle
// from the end of one to its answer, and how many places are free. Where nothing has begun for a while and something waits, that is taken out: Wait
// ends for it as when the crew is stopped.
func (c *Crew) Load(settle time.Duration) (ahead, free int, isStuck bool) {
	var n news
	defer n.tell()
	c.mu.Lock()
	defer c.mu.Unlock()
	free = c.free()
	if free < 1 && time.Since(c.began) > stuck {
		c.recall(&n)
		isStuck = len(c.queue) > 0
		for _, j := range c.queue {
			n.ended = append(n.ended, verdict{j, outcome{unstarted: true}})
		}
		c.queue = nil
	}
	return c.pace.ahead(fetchTime+min(settle, maxSettle), c.most, maxFetched), free, isStuck
}
