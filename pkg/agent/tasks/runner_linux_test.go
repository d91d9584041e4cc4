package tasks

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/queue/brokertest"
	"fngen.dev/fngen/pkg/task"
)

// noted is code that notes each run in a file, whatever ends it.
const noted = `
import os, sys, time
def note(what):
    fd = os.open("runs", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, (what + "\n").encode())
    os.close(fd)
def wait_for(name):
    end = time.monotonic() + 170
    while not os.path.exists(name):
        assert time.monotonic() < end
        time.sleep(0.01)
`

// TestEnds: each way in which a task ends is told with its reason, and charged as it is
// promised: exceptions, crashes and timeouts are tried again, what does not bind is not.
func TestEnds(t *testing.T) {
	l := newLine(t, brokertest.Shared(t), "ends", noted+`
import ctypes
def f(how: str, n: int = 0):
    note(how)
    if how == "raise": raise ValueError("no " + how)
    if how == "segv": ctypes.string_at(0)
    if how == "exit": os._exit(0)
    if how == "sys.exit": sys.exit(0)
    if how == "object": return object()
    return {"n": n}
`)
	l.work("one")
	ids := l.send(`{"how": "raise"}`, `{"how": "segv"}`, `{"how": "exit"}`, `{"how": "sys.exit"}`, `{"how": "object"}`,
		`{"how": 1, "m": 2}`, `{"how": `, `{"how": "well", "n": 9007199254740993}`)
	for i, want := range []struct {
		state   task.State
		reason  string
		message string
		runs    int
	}{
		{task.Dead, task.ReasonException, "no raise", 2},
		{task.Dead, task.ReasonCrashed, "SIGSEGV", 2},
		{task.Dead, task.ReasonCrashed, "exit code 0", 2},
		{task.Dead, task.ReasonCrashed, "SystemExit", 2},
		{task.Failed, task.ReasonResult, "object is no JSON", 1},
		{task.Failed, task.ReasonPayload, "how: expected str", 0},
		{task.Failed, task.ReasonPayload, "not JSON", 0},
		{task.Succeeded, "", "", 1},
	} {
		e := l.end(ids[i])
		if e.State != want.state || e.State != task.Succeeded && (e.Error.Reason != want.reason || !strings.Contains(e.Error.Message, want.message)) {
			t.Errorf("%d: got %s %+v, want %+v", i, e.State, e.Error, want)
		}
		if want.runs > 0 && e.Attempt != want.runs {
			t.Errorf("%d: ended with attempt %d, want %d", i, e.Attempt, want.runs)
		}
	}
	if e := l.end(ids[7]); string(e.Result) != `{"n":9007199254740993}` {
		t.Errorf("result %s", e.Result)
	}
	counts := map[string]int{}
	for _, run := range l.runs("runs") {
		counts[run]++
	}
	if want := (map[string]int{"raise": 2, "segv": 2, "exit": 2, "sys.exit": 2, "object": 1, "well": 1}); fmt.Sprint(counts) != fmt.Sprint(want) {
		t.Errorf("ran %v, want %v", counts, want)
	}
	l.empty()
}

// TestOnlyTheGuiltyIsCharged: what waits behind a task that kills its process is run
// elsewhere, and its attempt is still the first.
func TestOnlyTheGuiltyIsCharged(t *testing.T) {
	l := newLine(t, brokertest.Shared(t), "guilty", noted+`
def f(n: int):
    note(str(n))
    if n == 0: os.kill(os.getpid(), 9)
`)
	l.work("one")
	ids := l.send(`0`, `1`, `2`, `3`)
	for i, id := range ids[1:] {
		if e := l.end(id); e.State != task.Succeeded || e.Attempt != 1 {
			t.Errorf("%d: %+v", i+1, e)
		}
	}
	if e := l.end(ids[0]); e.State != task.Dead || e.Attempt != 2 || e.Error.Message != "the process was killed by SIGKILL" {
		t.Errorf("the guilty: %+v %+v", e, e.Error)
	}
}

// TestTimeout: a task is told that its time is over; one that does not listen is killed.
func TestTimeout(t *testing.T) {
	l := newLine(t, brokertest.Shared(t), "timeout", noted+`
def f(listens: bool):
    while True:
        try:
            time.sleep(600)
        except Exception as error:
            note(type(error).__name__)
            if listens: raise
`)
	l.o.Timeout, l.o.Grace, l.o.Retries = 2*time.Second, 8*time.Second, 0 // a busy machine needs long to raise and to say it
	l.work("one")
	ids := l.send(`true`, `false`)
	for i, want := range []string{"took longer than", "its process was killed"} {
		if e := l.end(ids[i]); e.State != task.Dead || e.Error.Reason != task.ReasonTimeout || !strings.Contains(e.Error.Message, want) {
			t.Errorf("%d: %s %+v", i, e.State, e.Error)
		}
	}
	if got := l.runs("runs"); strings.Join(got, " ") != "TaskTimeout TaskTimeout" {
		t.Errorf("the tasks saw %v", got)
	}
}

// TestQuarantine: a message that was handed out before is run only as the control plane
// says.
func TestQuarantine(t *testing.T) {
	l := newLine(t, brokertest.Shared(t), "quarantine", noted+`
def f(n: int):
    note(str(n))
    if n == 0: wait_for("go")
`)
	first := l.work("first")
	ids := l.send(`0`)
	l.eventually("it runs", func() bool { return len(l.runs("runs")) == 1 })
	l.mu.Lock()
	l.claims = func(string, int) (Verdict, error) { return Poison, nil }
	l.mu.Unlock()
	first.kill(t) // the zygote, and all with it: nobody can say who was to blame
	if err := <-first.served; err == nil {
		t.Error("an agent without its processes goes on")
	}
	first.done.Wait()
	l.work("second")
	if e := l.end(ids[0]); e.State != task.Dead || e.Error.Reason != task.ReasonCrashed {
		t.Errorf("got %+v", e)
	}
	if e := l.end(l.send(`1`)[0]); e.State != task.Succeeded {
		t.Errorf("one beside it: %+v", e)
	}
	if got := l.runs("runs"); strings.Join(got, " ") != "0 1" {
		t.Errorf("ran %v", got)
	}
}

// TestStop: with the first word what runs ends and the rest goes back, uncharged; with
// the second what runs goes back too.
func TestStop(t *testing.T) {
	l := newLine(t, brokertest.Shared(t), "stop", noted+`
def f(n: int):
    note(str(n))
    wait_for("go")
`)
	first := l.work("first")
	ids := l.send(`0`, `1`, `2`)
	l.eventually("one runs", func() bool { return len(l.runs("runs")) == 1 })
	first.Stop()
	first.Break()
	if err := <-first.served; err != nil {
		t.Error(err)
	}
	first.done.Wait()
	for i, id := range ids {
		if told := l.of(id); len(told) > 0 && fmt.Sprint(i) != l.runs("runs")[0] {
			t.Errorf("%v is told of a task that was never begun", told)
		}
	}
	touch(t, l, "go")
	l.work("second")
	for i, id := range ids {
		if e := l.end(id); e.State != task.Succeeded || e.Attempt != 1 {
			t.Errorf("%d: %+v", i, e)
		}
	}
}

// TestBrokenConnections: what runs goes on while connections break, is not run again,
// and what was sent comes to one end each.
func TestBrokenConnections(t *testing.T) {
	l := newLine(t, brokertest.Shared(t), "broken", noted+`
def f(n: int):
    note(str(n))
    if n == 0: wait_for("go")
    return n
`)
	l.o.Concurrency = 2
	l.work("one")
	ids := l.send(`0`)
	l.eventually("one runs", func() bool { return len(l.runs("runs")) == 1 })
	for i := range 10 {
		if err := l.node.CutConnections(t.Context()); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, l.send(fmt.Sprint(2*i+1), fmt.Sprint(2*i+2))...)
	}
	for _, id := range ids[1:] {
		l.end(id)
	}
	touch(t, l, "go")
	for i, id := range ids {
		if e := l.end(id); e.State != task.Succeeded || string(e.Result) != fmt.Sprint(i) {
			t.Errorf("%d: %+v", i, e)
		}
	}
	counts := map[string]int{}
	for _, run := range l.runs("runs") {
		counts[run]++
	}
	if counts["0"] != 1 {
		t.Errorf("the task that ran all the time was run %d times", counts["0"])
	}
	l.empty()
}

// TestLeak: a process that has grown too large is replaced, and no task is lost by it.
func TestLeak(t *testing.T) {
	l := newLine(t, brokertest.Shared(t), "leak", `
import os
kept = []
def f():
    kept.append(bytearray(40 << 20))
    return [os.getpid(), len(kept)]
`)
	l.work("one")
	pids := map[string]bool{}
	for _, id := range l.send(`{}`, `{}`, `{}`, `{}`, `{}`, `{}`) {
		e := l.end(id)
		if e.State != task.Succeeded || e.Attempt != 1 {
			t.Fatalf("%+v", e)
		}
		pid, _, _ := strings.Cut(string(e.Result), ",")
		pids[pid] = true
	}
	if len(pids) < 3 {
		t.Errorf("%d processes ran tasks of 40 MB each, with 64 MB for one", len(pids))
	}
}

// TestCancel: a task that runs is told to end, and one that waits is not begun.
func TestCancel(t *testing.T) {
	l := newLine(t, brokertest.Shared(t), "cancel", noted+`
import asyncio
async def f(n: int):
    note(str(n))
    await asyncio.sleep(0 if n == 2 else 600)
`)
	a := l.work("one")
	ids := l.send(`0`, `1`, `2`)
	l.eventually("one runs", func() bool { return len(l.runs("runs")) == 1 })
	a.Cancel(ids[0], ids[1])
	for _, id := range ids[:2] {
		if e := l.end(id); e.State != task.Failed || e.Error.Reason != task.ReasonCancelled {
			t.Errorf("%+v %+v", e, e.Error)
		}
	}
	if e := l.end(ids[2]); e.State != task.Succeeded {
		t.Errorf("%+v", e)
	}
	// Either of the first two may have been the one that ran.
	if got := strings.Join(l.runs("runs"), " "); got != "0 2" && got != "1 2" {
		t.Errorf("ran %v", got)
	}
}
