package tasks

import (
	"slices"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/queue/brokertest"
	"fngen.dev/fngen/pkg/task"
)

// TestKillWithAPipe: of all that was handed to a process that is killed only the task
// that it was at is charged, and none that had ended runs again.
func TestKillWithAPipe(t *testing.T) {
	l := newLine(t, brokertest.Shared(t), "pipe", noted+`
def f(n: int):
    note(str(n))
    if n % 50 == 25: os.kill(os.getpid(), 9)
    return n
`)
	l.prefetch, l.o.Retries = 300, 0
	l.work("one").swift()
	ids := l.send(numbers(0, 200)...)
	for n, id := range ids {
		e := l.end(id)
		want := task.Succeeded
		if n%50 == 25 {
			want = task.Dead
		}
		if e.State != want || e.Attempt != 1 {
			t.Errorf("%d: %s at attempt %d, %+v", n, e.State, e.Attempt, e.Error)
		}
	}
	l.once(0, 200)
	l.empty()
}

// TestCancelInAPipe: a task that was handed to a process, and that this has not come to,
// is never begun.
func TestCancelInAPipe(t *testing.T) {
	l := newLine(t, brokertest.Shared(t), "cancelpipe", noted+`
def f(n: int):
    note(str(n))
    if n == 0: wait_for("go")
`)
	l.prefetch = 300
	a := l.work("one")
	a.swift()
	ids := l.send(numbers(0, 10)...)
	l.eventually("one runs", func() bool { return len(l.runs("runs")) == 1 })
	a.Cancel(ids[1:5]...)
	touch(t, l, "go")
	for _, id := range ids[1:5] {
		if e := l.end(id); e.State != task.Failed || e.Error.Reason != task.ReasonCancelled {
			t.Errorf("%+v %+v", e, e.Error)
		}
	}
	l.succeed(slices.Concat(ids[:1], ids[5:]))
	l.once(5, 10)
	if got := l.runs("runs"); len(got) != 6 {
		t.Errorf("ran %v", got)
	}
}

// TestKillOfAProcessOfMany: where a task of an async function does not listen its process
// is killed, and those beside it run again without being charged.
func TestKillOfAProcessOfMany(t *testing.T) {
	l := newLine(t, brokertest.Shared(t), "many", noted+`
import asyncio
async def f(n: int):
    note(str(n))
    while not os.path.exists("go"):
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            note("deaf")
    return n
`)
	l.o.Concurrency, l.o.Grace, l.o.Retries = 3, 300*time.Millisecond, 0
	a := l.work("one")
	ids := l.send(numbers(0, 3)...)
	l.eventually("all run", func() bool { return len(l.runs("runs")) == 3 })
	a.Cancel(ids[0])
	if e := l.end(ids[0]); e.State != task.Failed || e.Error.Reason != task.ReasonCancelled {
		t.Errorf("%+v %+v", e, e.Error)
	}
	touch(t, l, "go")
	l.succeed(ids[1:])
	if got := l.runs("runs"); !slices.Contains(got, "deaf") {
		t.Errorf("ran %v", got)
	}
	l.empty()
}
