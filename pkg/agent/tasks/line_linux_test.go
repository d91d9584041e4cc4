package tasks

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/queue/brokertest"
	"fngen.dev/fngen/pkg/task"
)

func TestMain(m *testing.M) { os.Exit(brokertest.Main(m)) }

// patience stands for "never". A session whose broker has forgotten it without a word
// finds that out at its third look, after 90 s.
const patience = 3 * time.Minute

// line is a function from its queue to its events: a real broker, a real runner, real
// Python. Everything but the agent's rights is as on the platform.
type line struct {
	t       testing.TB
	node    *brokertest.Node
	broker  *queue.Broker
	project string
	o       Options
	// prefetch is how many messages an agent has at first, 0 for as many as it runs.
	prefetch int
	// way is where agents reach the broker, empty for its own address.
	way     string
	dir     string
	sender  *queue.Publisher
	claims  func(id string, attempt int) (Verdict, error)
	payload func(id string, is task.Large) ([]byte, error)

	mu     sync.Mutex
	events []task.Event
}

// newLine declares a project with the function f, of the given code.
func newLine(t testing.TB, node *brokertest.Node, project, code string) *line {
	t.Helper()
	l := &line{
		t: t, node: node, broker: queue.New(node.Config()), project: project, dir: t.TempDir(),
		o: Options{
			Project: project, Function: "f", Allocation: "one", Server: "web", Release: 1, Concurrency: 1,
			Timeout: patience, Grace: patience, Retries: 1, MemoryMB: 64,
		},
		claims: func(string, int) (Verdict, error) { return Run, nil },
	}
	if err := l.broker.Declare(t.Context(), project, 1, []string{"f"}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(l.dir, "code.py"), []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	l.sender = queue.NewPublisher(t.Context(), l.broker.ControlPlane(project), "test", brokertest.Log(t))
	t.Cleanup(l.sender.Close)
	ctx, cancel := context.WithCancel(context.Background())
	s := queue.NewSession(l.broker.ControlPlane(project), "events", brokertest.Log(t), queue.Source{Queue: task.EventQueue, Prefetch: 10})
	over := make(chan struct{})
	go func() { s.Run(ctx); close(over) }()
	go l.listen(ctx, s)
	t.Cleanup(func() { cancel(); <-over })
	return l
}

func (l *line) listen(ctx context.Context, s *queue.Session) {
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-s.Deliveries():
			var e task.Events
			if err := json.Unmarshal(d.Body, &e); err != nil {
				l.t.Errorf("events %s: %v", d.Body, err)
			}
			l.mu.Lock()
			l.events = append(l.events, e.Events...)
			l.mu.Unlock()
			_ = d.Ack(false)
		}
	}
}

func (l *line) Claim(_ context.Context, id string, attempt int) (Verdict, error) {
	l.mu.Lock()
	claims := l.claims
	l.mu.Unlock()
	return claims(id, attempt)
}

// agent is a runner that works.
type agent struct {
	*Runner
	crew   *Crew
	zygote *exec.Cmd
	output string
	served chan error
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// work starts an agent.
func (l *line) work(allocation string) *agent {
	l.t.Helper()
	t, o := l.t, l.o
	o.Allocation = allocation
	a := &agent{served: make(chan error, 1), output: filepath.Join(l.dir, "output-"+allocation)}
	a.zygote, a.crew = l.zygote(a.output)
	spawn, err := a.crew.Ready(t.Context())
	if err != nil {
		text, _ := os.ReadFile(a.output)
		t.Fatalf("%v: %s", err, text)
	}
	t.Log("spawn: ", spawn)
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	to := l.broker.Worker(l.project, 1)
	if l.way != "" {
		to.URL = strings.Replace(to.URL, l.node.Address(), l.way, 1)
	}
	p := queue.NewPublisher(ctx, to, "agent", brokertest.Log(t))
	s := queue.NewSession(to, "agent", brokertest.Log(t),
		queue.Source{Queue: task.Queue(l.project, "f"), Prefetch: max(l.prefetch, o.Concurrency)},
		queue.Source{Queue: task.ControlQueue(allocation), Prefetch: 10, Fanout: task.ControlExchange})
	a.done.Add(1)
	go func() { defer a.done.Done(); s.Run(ctx) }()
	a.Runner = NewRunner(o, a.crew, s, p, l, brokertest.Log(t))
	go func() { a.served <- a.Serve(); cancel() }()
	t.Cleanup(func() {
		a.Break()
		a.crew.Close()
		_ = a.zygote.Wait()
		cancel()
		a.done.Wait()
		p.Close()
	})
	return a
}

func (l *line) zygote(output string) (*exec.Cmd, *Crew) {
	l.t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		l.t.Skip("no python3 here")
	}
	runtime, err := filepath.Abs("../../../sdk/python/src")
	if err != nil {
		l.t.Fatal(err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		l.t.Fatal(err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "theirs")
	defer theirs.Close()
	out, err := os.Create(output)
	if err != nil {
		l.t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.CommandContext(context.Background(), python, "-u", filepath.Join(runtime, "fngen/runtime/boot.py"))
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = l.dir, out, out, []*os.File{theirs}
	cmd.Env = append(os.Environ(), "FNGEN_POWER=task_worker", "FNGEN_FUNCTION=f", "FNGEN_FILE=code.py", "FNGEN_WORK=3",
		"FNGEN_RUNTIME="+runtime, "PYTHONDONTWRITEBYTECODE=1", "FNGEN_CONCURRENCY="+strconv.Itoa(l.o.Concurrency))
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	crew, err := NewCrew(os.NewFile(uintptr(pair[0]), "ours"), l.o.Concurrency, l.o.MemoryMB*1024, brokertest.Log(l.t))
	if err != nil {
		l.t.Fatal(err)
	}
	return cmd, crew
}

// send queues tasks and returns their ids.
func (l *line) send(payloads ...string) []string {
	l.t.Helper()
	var ids []string
	var letters []queue.Letter
	for _, p := range payloads {
		id, err := task.NewID()
		if err != nil {
			l.t.Fatal(err)
		}
		ids = append(ids, id)
		letters = append(letters, queue.TaskLetter("", task.Message{
			ID: id, Project: l.project, Function: "f", Attempt: 1, First: 1, Enqueued: time.Now(), Body: []byte(p),
		}))
	}
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	defer cancel()
	for len(letters) > 0 {
		var again []queue.Letter
		for i, err := range l.sender.PublishAll(ctx, letters) {
			if err != nil && ctx.Err() != nil {
				l.t.Fatal(err)
			} else if err != nil {
				again = append(again, letters[i])
			}
		}
		letters = again
	}
	return ids
}

// of are the events of a task.
func (l *line) of(id string) []task.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []task.Event
	for _, e := range l.events {
		if e.ID == id {
			out = append(out, e)
		}
	}
	return out
}

// end waits for the end of a task.
func (l *line) end(id string) task.Event {
	l.t.Helper()
	var last task.Event
	l.eventually("task "+id+" comes to an end", func() bool {
		events := l.of(id)
		i := slices.IndexFunc(events, func(e task.Event) bool { return e.State.Ended() })
		if i >= 0 {
			last = events[i]
		}
		return i >= 0
	})
	return last
}

func (l *line) eventually(what string, f func() bool) {
	l.t.Helper()
	for deadline := time.Now().Add(patience); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			l.t.Fatalf("never: %s", what)
		}
	}
}

// runs are the lines that the code has written into a file beside it.
func (l *line) runs(name string) []string {
	data, err := os.ReadFile(filepath.Join(l.dir, name))
	if err != nil {
		return nil
	}
	return strings.Fields(string(data))
}

// empty waits until nothing of the function is in the broker.
func (l *line) empty() {
	l.t.Helper()
	var last string
	defer func() {
		if l.t.Failed() {
			l.t.Log(last)
		}
	}()
	l.eventually("the queue is empty", func() bool {
		d, err := l.broker.Depths(l.t.Context(), l.project)
		last = fmt.Sprint(d, err)
		return err == nil && len(d) == 1 && d[0].Ready+d[0].Taken == 0
	})
}

func (a *agent) kill(t testing.TB) {
	if err := syscall.Kill(a.zygote.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func touch(t testing.TB, l *line, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, name), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}
