package tasks

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// door is where processes of functions connect. Each shows the token that it was given,
// and nobody else's connection is listened to.
type door struct {
	listener net.Listener

	mu      sync.Mutex
	waiting map[string]chan hello
}

// hello is what a process says of itself.
type hello struct {
	conn   net.Conn
	read   *bufio.Reader
	async  bool
	schema []byte
}

func newDoor(ctx context.Context) (*door, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for task workers: %w", err)
	}
	d := &door{listener: l, waiting: map[string]chan hello{}}
	go d.serve()
	return d, nil
}

func (d *door) close() { d.listener.Close() }

func (d *door) serve() {
	for {
		conn, err := d.listener.Accept()
		if err != nil {
			return // it was closed
		}
		go d.greet(conn)
	}
}

// helloTime is how long a connection may be silent about whose it is.
const helloTime = 10 * time.Second

func (d *door) greet(conn net.Conn) {
	_ = conn.SetReadDeadline(time.Now().Add(helloTime))
	r := bufio.NewReader(conn)
	head, body, err := receive(r)
	d.mu.Lock()
	to := d.waiting[head.Token]
	delete(d.waiting, head.Token)
	d.mu.Unlock()
	if err != nil || to == nil || conn.SetReadDeadline(time.Time{}) != nil {
		conn.Close()
		return
	}
	to <- hello{conn, r, head.Async, body}
}

// worker starts a process of a generation, and waits for it to connect.
func (d *door) worker(ctx context.Context, g *generation) (*worker, error) {
	token, c := rand.Text(), make(chan hello, 1)
	d.mu.Lock()
	d.waiting[token] = c
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		delete(d.waiting, token)
		d.mu.Unlock()
	}()
	p, err := g.start(ctx, g.function, "FNGEN_DEV_TASKS="+d.listener.Addr().String()+" "+token,
		"FNGEN_TIMEOUT="+g.function.TaskWorker.Timeout.Duration().String())
	if err != nil {
		return nil, err
	}
	select {
	case h := <-c:
		return newWorker(g, p, h), nil
	case <-p.Done():
		return nil, fmt.Errorf("it ended with exit code %d", p.ExitCode())
	case <-ctx.Done():
		p.Stop(0)
		return nil, ctx.Err()
	}
}

// head is the line before a body, either way.
type head struct {
	Size int `json:"size"`

	// Of a process that has just started.
	Token string `json:"token,omitempty"`
	Async bool   `json:"async,omitempty"`

	// Of an order. End has the task of the number ended.
	Number  uint64 `json:"number,omitempty"`
	End     bool   `json:"end,omitempty"`
	Call    bool   `json:"call"`
	Attempt int    `json:"attempt,omitempty"`
	ID      string `json:"id,omitempty"`

	// Code says how a task ended.
	Code byte `json:"code,omitempty"`
}

// maxBody bounds what is read at once: a result or an error with its traceback.
const maxBody = 8 << 20

func receive(r *bufio.Reader) (head, []byte, error) {
	var h head
	line, err := r.ReadSlice('\n')
	if err == nil {
		err = json.Unmarshal(line, &h)
	}
	if err == nil && (h.Size < 0 || h.Size > maxBody) {
		err = fmt.Errorf("a body of %d bytes", h.Size)
	}
	if err != nil {
		return head{}, nil, fmt.Errorf("read from a task worker: %w", err)
	}
	body := make([]byte, h.Size)
	_, err = io.ReadFull(r, body)
	return h, body, err
}

func send(w io.Writer, h head, body []byte) error {
	h.Size = len(body)
	text, err := json.Marshal(h)
	if err == nil {
		_, err = w.Write(append(append(text, '\n'), body...))
	}
	return err
}
