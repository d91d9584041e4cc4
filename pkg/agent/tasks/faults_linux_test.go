package tasks

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/queue/brokertest"
	"fngen.dev/fngen/pkg/task"
)

// TestScaledToZeroAndBack: however often all that runs a function ends and begins again,
// no task is charged, and none becomes a dead letter for having been handed out often.
func TestScaledToZeroAndBack(t *testing.T) {
	l := newLine(t, brokertest.Shared(t), "scaled", noted+`
def f(n: int):
    note(str(n))
    wait_for("go")
`)
	l.o.Concurrency, l.o.Retries = 2, 0
	ids := l.send(numbers(0, 12)...)
	for i := range 8 {
		before := len(l.runs("runs"))
		a := l.work(fmt.Sprint("agent", i))
		l.eventually("one runs", func() bool { return len(l.runs("runs")) > before })
		a.Break()
		if err := <-a.served; err != nil {
			t.Fatal(err)
		}
		a.done.Wait()
	}
	touch(t, l, "go")
	l.work("last")
	l.succeed(ids)
	l.empty()
}

// TestQueueDeleted: an agent whose queue is deleted notices, and reads it again when it is
// there again. What it was at ends.
func TestQueueDeleted(t *testing.T) {
	l := newLine(t, brokertest.Shared(t), "deleted", noted+`
def f(n: int):
    note(str(n))
    if n == 0: wait_for("go")
`)
	l.work("one")
	first := l.send(`0`)
	l.eventually("it runs", func() bool { return len(l.runs("runs")) == 1 })
	path := "/api/queues/" + url.PathEscape(task.Vhost(l.project)) + "/" + task.Queue(l.project, "f")
	if err := l.node.API(t.Context(), http.MethodDelete, path, nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := l.broker.Declare(t.Context(), l.project, 1, []string{"f"}); err != nil {
		t.Fatal(err)
	}
	touch(t, l, "go")
	if e := l.end(first[0]); e.State != task.Succeeded {
		t.Errorf("what ran: %+v", e)
	}
	l.succeed(l.send(`1`, `2`))
	l.empty()
}

// TestNoMoreConnections: an agent that may not connect tries until it may.
func TestNoMoreConnections(t *testing.T) {
	l := newLine(t, brokertest.Start(t), "limit", noted+`
def f(n: int):
    note(str(n))
    wait_for("go")
`)
	l.work("one")
	ids := l.send(`0`, `1`)
	l.eventually("it runs", func() bool { return len(l.runs("runs")) == 1 })
	limit := "/api/vhost-limits/" + url.PathEscape(task.Vhost(l.project)) + "/max-connections"
	if err := l.node.API(t.Context(), http.MethodPut, limit, map[string]int{"value": 0}, nil); err != nil {
		t.Fatal(err)
	}
	if err := l.node.CutConnections(t.Context()); err != nil {
		t.Fatal(err)
	}
	touch(t, l, "go")
	if err := l.node.API(t.Context(), http.MethodDelete, limit, nil, nil); err != nil {
		t.Fatal(err)
	}
	l.succeed(ids)
	l.once(0, 2)
	l.empty()
}

// TestConsumerTimeout: the broker closes a channel over which a message stays without an
// answer for longer than it takes. The task goes on, is run once, and its end counts.
func TestConsumerTimeout(t *testing.T) {
	if os.Getenv("FNGEN_SOAK") == "" {
		t.Skip("the broker looks once a minute: make soak runs it")
	}
	l := newLine(t, brokertest.Start(t), "timed", noted+`
def f(n: int):
    note(str(n))
    wait_for("go")
`)
	if err := l.node.Ctl(t.Context(), "eval", "application:set_env(rabbit,consumer_timeout,5000)."); err != nil {
		t.Fatal(err)
	}
	a := l.work("one")
	ids := l.send(`0`)
	l.eventually("it runs", func() bool { return len(l.runs("runs")) == 1 })
	epoch := a.source.(*queue.Session).Epoch()
	for deadline := time.Now().Add(150 * time.Second); a.source.(*queue.Session).Epoch() == epoch; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the broker closed nothing")
		}
	}
	touch(t, l, "go")
	l.succeed(ids)
	l.succeed(l.send(`1`))
	l.once(0, 2)
	l.empty()
}

// TestBrokerTakesNothing: while the broker lacks memory what runs ends, its end is told as
// soon as that is over, and nothing is run twice.
func TestBrokerTakesNothing(t *testing.T) {
	l := newLine(t, brokertest.Start(t), "alarm", noted+`
def f(n: int):
    note(str(n))
    wait_for("go")
    note("end")
`)
	l.work("one")
	ids := l.send(`0`)
	l.eventually("it runs", func() bool { return len(l.runs("runs")) == 1 })
	if err := l.node.Ctl(t.Context(), "set_vm_memory_high_watermark", "0.0000001"); err != nil {
		t.Fatal(err)
	}
	touch(t, l, "go")
	l.eventually("it ends", func() bool { return len(l.runs("runs")) == 2 })
	if l.ended(ids[0]) {
		t.Error("its end was told to a broker that takes nothing")
	}
	if err := l.node.Ctl(t.Context(), "set_vm_memory_high_watermark", "0.6"); err != nil {
		t.Fatal(err)
	}
	l.succeed(ids)
	l.succeed(l.send(`1`))
	l.empty()
	if got := strings.Join(l.runs("runs"), " "); got != "0 end 1 end" {
		t.Errorf("ran %s", got)
	}
}

// TestNetworkCut: packets are dropped and nothing is closed. What runs ends, and the agent
// reads again when the network is back, or another way is there.
func TestNetworkCut(t *testing.T) {
	l := newLine(t, brokertest.Shared(t), "network", noted+`
def f(n: int):
    note(str(n))
    if n == 0: wait_for("go")
`)
	p := newProxy(t, l.node.Address())
	l.way = p.address
	l.work("one")
	ids := l.send(`0`)
	l.eventually("it runs", func() bool { return len(l.runs("runs")) == 1 })
	p.drop()
	ids = append(ids, l.send(`1`, `2`)...)
	touch(t, l, "go")
	l.succeed(ids)
	l.once(0, 3)
	l.empty()
}

// TestFrozenAgent: an agent that neither answers nor closes loses what it had to another
// one. When it comes back, what it says of the task answers no message of anybody's.
func TestFrozenAgent(t *testing.T) {
	l := newLine(t, brokertest.Shared(t), "frozen", noted+`
def f(n: int):
    note(str(n))
    if n == 0: wait_for("go")
`)
	p := newProxy(t, l.node.Address())
	l.way = p.address
	frozen := l.work("frozen")
	first := l.send(`0`)
	l.eventually("it runs", func() bool { return len(l.runs("runs")) == 1 })
	p.close(true)
	p.drop()
	l.way = ""
	l.work("other")
	l.eventually("the other agent runs it", func() bool { return strings.Join(l.runs("runs"), " ") == "0 0" })
	ids := l.send(`1`, `2`, `3`)
	touch(t, l, "go")
	l.succeed(append(first, ids...))
	p.close(false)
	l.eventually("the frozen one tells of it too", func() bool { return len(l.of(first[0])) > 1 && frozen.idle() })
	more := l.send(numbers(4, 12)...)
	l.succeed(more)
	l.empty()
	l.once(1, 12)
}

// idle reports whether an agent has nothing to run or to tell.
func (a *agent) idle() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.running) == 0
}

// proxy leads to a broker; what it has led until drop leads nowhere then, and is not
// closed.
type proxy struct {
	address string
	mu      sync.Mutex
	epoch   int
	closed  bool
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	in, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{address: in.Addr().String()}
	t.Cleanup(func() { in.Close() })
	go func() {
		for {
			a, err := in.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			closed := p.closed
			p.mu.Unlock()
			if closed {
				a.Close()
				continue
			}
			b, err := net.Dial("tcp", to)
			if err != nil {
				a.Close()
				continue
			}
			t.Cleanup(func() { a.Close(); b.Close() })
			p.mu.Lock()
			epoch := p.epoch
			p.mu.Unlock()
			go p.lead(a, b, epoch)
			go p.lead(b, a, epoch)
		}
	}()
	return p
}

// close has it refuse connections, or take them again.
func (p *proxy) close(closed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = closed
}

func (p *proxy) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.epoch++
}

func (p *proxy) lead(from, to net.Conn, epoch int) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		dropped := p.epoch != epoch
		p.mu.Unlock()
		switch {
		case dropped && err == nil:
			continue
		case err != nil && dropped:
			return
		case err != nil:
			to.Close()
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			_, _ = io.Copy(io.Discard, from) // until it ends too
			return
		}
	}
}

// BenchmarkDrain empties a queue of tasks that do nothing: what one takes of the agent's
// processor, and of its processes'.
func BenchmarkDrain(b *testing.B) {
	const n = 30_000
	l := newLine(b, brokertest.Shared(b), "drain", "def f(n: int): pass\n")
	l.o.Concurrency = 1
	for b.Loop() {
		for range n / 1000 {
			l.send(numbers(0, 1000)...)
		}
		l.mu.Lock()
		l.events = nil
		l.mu.Unlock()
		a := l.work("one")
		before, begin := used(b, syscall.RUSAGE_SELF), time.Now()
		l.eventually("all have ended", func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return len(l.events) >= n
		})
		took := time.Since(begin)
		b.ReportMetric(float64(n)/took.Seconds(), "tasks/s")
		b.ReportMetric(float64((used(b, syscall.RUSAGE_SELF)-before).Microseconds())/n, "us-cpu/task")
		l.empty()
		a.Stop()
		<-a.served
	}
}

// used is the processor time of this process.
func used(b *testing.B, who int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
