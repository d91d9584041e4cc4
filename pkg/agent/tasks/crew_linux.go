package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"

	"fngen.dev/fngen/pkg/task"
)

// errGone is a zygote that has ended: no process can be started any more.
var errGone = errors.New("the process that starts workers has ended")

// Crew are the processes that run a function. It starts them when there is work for
// them, up to a number, by asking the zygote.
type Crew struct {
	control *net.UnixConn
	most    int
	// memory is what a process may have, in KiB; one that has more is replaced.
	memory int
	// tokens are as many as tasks may run at once.
	tokens chan struct{}
	ready  chan ready
	gone   chan struct{}
	// starting is held by who waits for a process to be started.
	starting sync.Mutex
	news     chan newWorker

	mu     sync.Mutex
	number uint64
	idle   []seat
	exits  map[int]chan syscall.WaitStatus
	isOne  bool // one process runs all, since the function is async
}

// seat is a place of a process.
type seat struct {
	*worker
	place int
}

type ready struct {
	Async bool
	Spawn string
}

type newWorker struct {
	pid   int
	files []*os.File
}

// NewCrew speaks to a zygote over its socket.
func NewCrew(control *os.File, most, memoryKiB int) (*Crew, error) {
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
		control: unix, most: most, memory: memoryKiB, tokens: make(chan struct{}, most), ready: make(chan ready, 1),
		gone: make(chan struct{}), news: make(chan newWorker, 1), exits: map[int]chan syscall.WaitStatus{},
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

func (c *Crew) isGone() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}

// Gone is closed when the zygote has ended.
func (c *Crew) Gone() <-chan struct{} { return c.gone }

// listen hears what the zygote says.
func (c *Crew) listen() {
	defer c.leave()
	buf, oob := make([]byte, 4096), make([]byte, 256)
	for {
		n, oobn, _, _, err := c.control.ReadMsgUnix(buf, oob)
		files := receivedFiles(oob[:oobn])
		var said struct {
			Op     string `json:"op"`
			PID    int    `json:"pid"`
			Status int    `json:"status"`
			Async  bool   `json:"async"`
			Spawn  string `json:"spawn"`
		}
		if err != nil || n == 0 || json.Unmarshal(buf[:n], &said) != nil {
			closeAll(files)
			return
		}
		switch {
		case said.Op == "worker" && len(files) == 3:
			select {
			case c.news <- newWorker{said.PID, files}:
				continue
			default: // nobody asked
			}
		case said.Op == "exit":
			c.exit(said.PID) <- syscall.WaitStatus(said.Status)
		case said.Op == "ready":
			select {
			case c.ready <- ready{said.Async, said.Spawn}:
			default: // said twice
			}
		}
		closeAll(files)
	}
}

// leave tells all who wait for the end of a process that nobody will say how.
func (c *Crew) leave() {
	close(c.gone)
	c.control.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ch := range c.exits {
		select {
		case ch <- syscall.WaitStatus(syscall.SIGKILL):
		default: // it is known
		}
	}
}

// exit is where the end of a process is told, once.
func (c *Crew) exit(pid int) chan syscall.WaitStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.exits[pid] == nil {
		c.exits[pid] = make(chan syscall.WaitStatus, 2)
	}
	return c.exits[pid]
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// tell sends an order to the zygote. Where that has ended there is nobody to be told.
func (c *Crew) tell(order map[string]any) error {
	data, err := json.Marshal(order)
	if err == nil {
		_, err = c.control.Write(data)
	}
	return err
}

// start has a process started. One is started after the other.
func (c *Crew) start(ctx context.Context) (*worker, error) {
	if err := c.tell(map[string]any{"op": "start"}); err != nil {
		return nil, errors.Join(errGone, err)
	}
	select {
	case n := <-c.news:
		return c.adopt(n)
	case <-c.gone:
		return nil, errGone
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// async reports whether one process runs many tasks at once.
func (c *Crew) async() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.isOne
}

// places are how many tasks a process runs at once.
func (c *Crew) places() int {
	if c.async() {
		return c.most
	}
	return 1
}

func (c *Crew) adopt(n newWorker) (*worker, error) {
	defer closeAll(n.files)
	conn, err := net.FileConn(n.files[0])
	if err != nil {
		return nil, fmt.Errorf("open the socket of a worker: %w", err)
	}
	places := c.places()
	p, err := openPage(n.files[2], places)
	unix, ok := conn.(*net.UnixConn)
	if err != nil || !ok {
		conn.Close()
		return nil, errors.Join(errors.New("open a worker"), err)
	}
	w := &worker{pid: n.pid, conn: unix, page: p, isAsync: c.async(), jobs: map[uint64]*job{}}
	c.follow(w)
	return w, nil
}

// follow reads what a process tells, until its end.
func (c *Crew) follow(w *worker) {
	end, read := c.exit(w.pid), make(chan struct{})
	go func() {
		defer close(read)
		_ = w.read()
		_ = w.conn.CloseWrite() // one that speaks another language is to end too
		_ = c.signal(w, syscall.SIGKILL)
	}()
	go func() {
		status := <-end
		// What it has sent can be read to its end; a child of it may hold the socket open.
		_ = w.conn.CloseRead()
		<-read
		c.mu.Lock()
		delete(c.exits, w.pid)
		c.mu.Unlock()
		w.bury(status)
	}()
}

// signal sends a signal to a process and what it has started.
func (c *Crew) signal(w *worker, s syscall.Signal) error {
	return c.tell(map[string]any{"op": "signal", "pid": w.pid, "signal": int(s), "group": s == syscall.SIGKILL})
}

// Run runs one task in a process, to its end. stop begins to end it: with false it is
// told to, with true it is killed. A task whose process ended before it was begun goes
// to another one.
func (c *Crew) Run(ctx context.Context, m task.Message, alone bool, stop func(end func(kill bool))) (outcome, error) {
	select {
	case c.tokens <- struct{}{}:
		defer func() { <-c.tokens }()
	case <-c.gone:
		return outcome{}, errGone
	case <-ctx.Done():
		return outcome{}, ctx.Err()
	}
	for {
		if ctx.Err() != nil { // both may have been so
			return outcome{}, ctx.Err()
		}
		s, err := c.sit(ctx, alone)
		if err != nil {
			return outcome{}, err
		}
		c.mu.Lock()
		c.number++
		number := c.number
		c.mu.Unlock()
		j := s.begin(number, s.place, m)
		stop(func(kill bool) { c.end(s, j, kill) })
		o := <-j.outcome
		stop(nil)
		c.rise(s, alone)
		if !o.unstarted {
			return o, nil
		}
	}
}

// sit finds a place: in a process that waits, or in a new one.
func (c *Crew) sit(ctx context.Context, alone bool) (seat, error) {
	if s, ok := c.waiting(alone); ok {
		return s, nil
	}
	c.starting.Lock()
	defer c.starting.Unlock()
	if s, ok := c.waiting(alone); ok { // meanwhile
		return s, nil
	}
	w, err := c.start(ctx)
	if err != nil {
		return seat{}, err
	}
	if !alone {
		c.mu.Lock()
		for place := 1; c.isOne && place < c.most; place++ {
			c.idle = append(c.idle, seat{w, place})
		}
		c.mu.Unlock()
	}
	return seat{w, 0}, nil
}

// waiting is a place of a process that waits, the last one that was given back: so few
// processes do what few can do.
func (c *Crew) waiting(alone bool) (seat, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !alone && len(c.idle) > 0 {
		s := c.idle[len(c.idle)-1]
		c.idle = c.idle[:len(c.idle)-1]
		if s.usable() {
			return s, true
		}
	}
	return seat{}, false
}

// rise gives a place back. A process that has grown too large gets no more tasks.
func (c *Crew) rise(s seat, alone bool) {
	if alone || !s.usable() || s.tooLarge(c.memory) {
		s.retire()
		return
	}
	c.mu.Lock()
	c.idle = append(c.idle, s)
	c.mu.Unlock()
}

// end ends a task that runs.
func (c *Crew) end(s seat, j *job, kill bool) {
	switch {
	case kill:
		_ = c.signal(s.worker, syscall.SIGKILL)
	case s.isAsync:
		_ = sendCancel(s.conn, j.number)
	default:
		s.mu.Lock()
		if _, runs := s.jobs[j.number]; runs {
			s.page.cancel(j.place, j.number)
		}
		s.mu.Unlock()
		_ = c.signal(s.worker, syscall.SIGUSR1)
	}
}
