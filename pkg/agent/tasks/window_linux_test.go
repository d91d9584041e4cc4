package tasks

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/queue/brokertest"
	"fngen.dev/fngen/pkg/task"
)

// swift has an agent take all tasks for short ones: it hands them out far ahead.
func (a *agent) swift() {
	a.crew.mu.Lock()
	a.crew.pace = pace{mean: time.Microsecond, count: 64}
	a.crew.mu.Unlock()
}

// count is how many tasks a process has that it is not at, and how many wait beside.
func (c *Crew) count() (behind, waiting int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.workers {
		behind += w.behind()
	}
	return behind, len(c.queue)
}

func numbers(from, to int) []string {
	var out []string
	for n := from; n < to; n++ {
		out = append(out, fmt.Sprint(n))
	}
	return out
}

// succeed waits until tasks have succeeded, each at its first attempt.
func (l *line) succeed(ids []string) {
	l.t.Helper()
	for i, id := range ids {
		if e := l.end(id); e.State != task.Succeeded || e.Attempt != 1 {
			l.t.Errorf("%d: %s at attempt %d, %+v", i, e.State, e.Attempt, e.Error)
		}
	}
}

func (l *line) ended(id string) bool {
	return slices.ContainsFunc(l.of(id), func(e task.Event) bool { return e.State.Ended() })
}

// once reports an error for each task that did not run just once.
func (l *line) once(from, to int) {
	l.t.Helper()
	runs := l.runs("runs")
	for _, n := range numbers(from, to) {
		if count := len(slices.DeleteFunc(slices.Clone(runs), func(run string) bool { return run != n })); count != 1 {
			l.t.Errorf("%s ran %d times", n, count)
		}
	}
}

// TestNothingWaitsBehindALongTask: what was handed to a process that takes long is run by
// the other one.
func TestNothingWaitsBehindALongTask(t *testing.T) {
	l := newLine(t, brokertest.Shared(t), "behind", noted+`
def f(n: int):
    note(str(n))
    if n == 0: wait_for("go")
`)
	l.o.Concurrency, l.prefetch = 2, 300
	a := l.work("one")
	a.swift()
	ids := l.send(numbers(0, 200)...)
	l.succeed(ids[1:])
	if l.ended(ids[0]) {
		t.Fatal("the long task has ended before the others")
	}
	touch(t, l, "go")
	l.succeed(ids[:1])
	l.once(0, 200)
	l.empty()
}

// TestRecall: what lies in the socket of a process that takes long is taken back, and run
// in its order by another one. Here is no broker, and nobody to whom it could be given
// back.
func TestRecall(t *testing.T) {
	l := &line{t: t, dir: t.TempDir(), o: Options{Concurrency: 2}}
	if err := os.WriteFile(filepath.Join(l.dir, "code.py"), []byte(noted+`
def f(n: int):
    if n == 0:
        open("begun", "w").write("0")
        wait_for("go")
    note(str(n))
`), 0o600); err != nil {
		t.Fatal(err)
	}
	zygote, crew := l.zygote(filepath.Join(l.dir, "output"))
	t.Cleanup(func() { crew.Close(); _ = zygote.Wait() })
	if _, err := crew.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	(&agent{crew: crew}).swift()
	var turns []*Turn
	queue := func(numbers ...string) {
		for _, n := range numbers {
			turns = append(turns, crew.Queue(task.Message{Attempt: 1, Body: []byte(n)}, func(func(bool)) {}))
		}
	}
	// began has the process be at what it runs since then.
	began := func(since time.Time) {
		crew.mu.Lock()
		defer crew.mu.Unlock()
		crew.workers[0].began = since
	}
	queue("0")
	l.eventually("the first runs", func() bool { return len(l.runs("begun")) == 1 })
	began(time.Now().Add(time.Hour))
	queue(numbers(1, 50)...)
	if behind, waiting := crew.count(); behind != 49 || waiting != 0 {
		t.Fatalf("%d lie in the socket, %d beside", behind, waiting)
	}
	began(time.Now())
	for n, turn := range turns[1:] {
		if o, err := turn.Wait(t.Context()); err != nil || o.crashed || o.done.code != well {
			t.Errorf("%d: %+v, %v", n, o, err)
		}
	}
	touch(t, l, "go")
	if o, err := turns[0].Wait(t.Context()); err != nil || o.done.code != well {
		t.Errorf("the long one: %+v, %v", o, err)
	}
	if got := strings.Join(l.runs("runs"), " "); got != strings.Join(append(numbers(1, 50), "0"), " ") {
		t.Errorf("ran in the order %s", got)
	}
}

// TestWhatIsStuckGoesToAnotherAgent: an agent whose processes are all busy for long
// leaves to others what it has fetched.
func TestWhatIsStuckGoesToAnotherAgent(t *testing.T) {
	l := newLine(t, brokertest.Shared(t), "stuck", noted+`
def f(n: int):
    note(str(n))
    if n == 0: wait_for("go")
`)
	l.prefetch = 300
	claimed := make(chan string, 100)
	l.claims = func(id string, _ int) (Verdict, error) {
		claimed <- id
		return Run, nil
	}
	a := l.work("first")
	a.swift()
	long := l.send(`0`)
	l.eventually("the long one runs", func() bool { return len(l.runs("runs")) == 1 })
	ids := l.send(numbers(1, 11)...)
	l.work("second")
	l.succeed(ids)
	if len(claimed) == 0 {
		t.Error("nothing was handed out twice: the first agent had none of them")
	}
	touch(t, l, "go")
	l.succeed(long)
	// And it takes tasks again, more than before.
	l.succeed(l.send(numbers(11, 40)...))
	l.once(0, 40)
	l.empty()
}

// TestStopHandsBack: with the first word to stop what has not begun goes back, from the
// sockets too, and others run it while what has begun goes on.
func TestStopHandsBack(t *testing.T) {
	l := newLine(t, brokertest.Shared(t), "handsback", noted+`
def f(n: int):
    note(str(n))
    if n == 0: wait_for("go")
`)
	l.prefetch = 300
	first := l.work("first")
	first.swift()
	ids := l.send(numbers(0, 30)...)
	l.eventually("one runs", func() bool { return len(l.runs("runs")) == 1 })
	first.Stop()
	l.work("second")
	l.succeed(ids[1:])
	select {
	case err := <-first.served:
		t.Fatalf("the agent has ended before what it runs: %v", err)
	default:
	}
	touch(t, l, "go")
	l.succeed(ids[:1])
	if err := <-first.served; err != nil {
		t.Error(err)
	}
	l.once(0, 30)
	l.empty()
}
