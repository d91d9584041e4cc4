package tasks

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"syscall"
	"time"

	"fngen.dev/fngen/pkg/task"
)

// enlist starts a process that takes tasks.
func (c *Crew) enlist() {
	var n news
	w, err := c.launch(false)
	c.mu.Lock()
	defer func() { c.mu.Unlock(); n.tell() }()
	c.starting--
	if err != nil {
		c.postpone(time.Now())
		return
	}
	c.workers = append(c.workers, w)
	c.schedule(&n)
}

// launch has a process started. One is started after the other.
func (c *Crew) launch(alone bool) (*worker, error) {
	c.launching.Lock()
	defer c.launching.Unlock()
	if err := c.tell(map[string]any{"op": "start"}); err != nil {
		return nil, errors.Join(errGone, err)
	}
	select {
	case n := <-c.launched:
		w, err := c.adopt(n, alone)
		if err != nil {
			c.log.Error("a process could not be used", slog.Any("error", err))
		}
		return w, err
	case <-c.gone:
		return nil, errGone
	}
}

// places are how many tasks a process runs at once. With the crew's lock.
func (c *Crew) places() int {
	if c.isOne {
		return c.most
	}
	return 1
}

func (c *Crew) adopt(n newWorker, alone bool) (*worker, error) {
	conn, err := net.FileConn(n.files[0])
	n.files[0].Close()
	defer n.files[2].Close()
	if err != nil {
		n.files[1].Close()
		return nil, errors.Join(errors.New("open the socket of a worker"), err)
	}
	c.mu.Lock()
	places := c.places()
	c.mu.Unlock()
	p, err := openPage(n.files[2], places)
	unix, ok := conn.(*net.UnixConn)
	if err != nil || !ok {
		conn.Close()
		n.files[1].Close()
		return nil, errors.Join(errors.New("open a worker"), err)
	}
	w := &worker{pid: n.pid, conn: unix, theirs: n.files[1], page: p, places: places}
	if alone {
		c.mu.Lock()
		c.alone = append(c.alone, w)
		c.mu.Unlock()
	}
	c.follow(w)
	return w, nil
}

// follow reads what a process tells, until its end.
func (c *Crew) follow(w *worker) {
	end, read := c.exit(w.pid), make(chan struct{})
	go func() {
		defer close(read)
		_ = c.read(w)
		_ = w.conn.CloseWrite() // one that speaks another language is to end too
		_ = c.signal(w, syscall.SIGKILL)
	}()
	go func() {
		status := syscall.WaitStatus(syscall.SIGKILL) // of the zygote's end, where nobody says
		select {
		case status = <-end:
		case <-c.gone:
			select {
			case status = <-end:
			default:
			}
		}
		// What it has sent can be read to its end; this agent, and a child of it, may hold
		// the socket open.
		_ = w.conn.CloseRead()
		<-read
		c.mu.Lock()
		delete(c.exits, w.pid)
		c.mu.Unlock()
		c.buried(w, status)
	}()
}

// read takes outcomes until the process has closed its socket.
func (c *Crew) read(w *worker) error {
	buf := make([]byte, doneHead+largest+1)
	for {
		d, err := readDone(w.conn, buf)
		if err != nil {
			return err
		}
		c.finished(w, d)
	}
}

// Place waits until a task may run, and takes its place; free gives it back.
func (c *Crew) Place(ctx context.Context) (free func(), err error) {
	j := newJob(task.Message{}, nil)
	j.place = true
	c.submit(j)
	if _, err := c.await(ctx, j); err != nil {
		return nil, err
	}
	return func() {
		var n news
		c.mu.Lock()
		c.held--
		c.schedule(&n)
		c.mu.Unlock()
		n.tell()
	}, nil
}

// RunAlone runs a task to its end, in a process that runs nothing else. Whoever calls it
// has a place.
func (c *Crew) RunAlone(m task.Message, begun func(end func(kill bool))) (outcome, error) {
	for failed := 0; ; failed++ {
		w, err := c.launch(true)
		if err == nil {
			o := c.only(w, newJob(m, c.beginning(begun)))
			begun(nil)
			if !o.unstarted && !o.innocent {
				return o, nil
			}
		}
		select {
		case <-c.gone:
			return outcome{}, errGone
		case <-time.After(min(firstStartPause<<min(failed, 10), lastStartPause)):
		}
	}
}

// only has a process run one task, and end.
func (c *Crew) only(w *worker, j *job) outcome {
	var n news
	c.mu.Lock()
	c.number++
	j.number = c.number
	if w.over || !w.put(j, time.Now()) {
		n.ended = append(n.ended, verdict{j, outcome{unstarted: true}})
	} else {
		n.begun = append(n.begun, j)
	}
	w.over = true
	c.mu.Unlock()
	n.tell()
	o := <-j.outcome
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alone = slices.DeleteFunc(c.alone, func(one *worker) bool { return one == w })
	_ = w.conn.CloseWrite() // an error: it has ended
	return o
}
