package follow

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/logs"
	"fngen.dev/fngen/pkg/logs/logstest"
)

// followed is a follower of a store, and a clock for both.
type followed struct {
	*logstest.Shelf
	*Follower
	now time.Time
}

func follow(t *testing.T, b *logstest.Shelf, limit int) (*followed, []string) {
	t.Helper()
	f := &followed{Shelf: b, now: time.Now().Round(0)}
	f.Lines["t"] = slices.Concat(f.Lines["t"])
	history := f.start(t, b, api.LogQuery{Since: f.now.Add(-time.Hour), Until: f.now.Add(time.Minute), Limit: limit, Follow: true})
	return f, history
}

func (f *followed) start(t *testing.T, find Finder, q api.LogQuery) []string {
	t.Helper()
	var lines []api.LogLine
	var err error
	if f.Follower, lines, err = Start(t.Context(), find, "t", q, func() time.Time { return f.now }); err != nil {
		t.Fatal(err)
	}
	return texts(lines)
}

func texts(lines []api.LogLine) (out []string) {
	for _, l := range lines {
		out = append(out, l.Message)
	}
	return out
}

func (f *followed) add(at time.Time, message string) { f.addOf("", at, message) }

func (f *followed) addOf(instance string, at time.Time, message string) {
	f.Lines["t"] = append(f.Lines["t"], api.LogLine{Time: at, Message: message, Instance: instance})
}

// note tells of what came late, as the store does.
func (f *followed) note(instance string, from, to time.Time) {
	f.Notes = append(f.Notes, logs.Late{Noted: f.now, Instance: instance, From: from, To: to})
}

func (f *followed) polls(t *testing.T, n int) (out []string) {
	t.Helper()
	for range n {
		f.now = f.now.Add(Pause)
		lines, _ := f.Poll(t.Context())
		out = append(out, texts(lines)...)
	}
	return out
}

func (f *followed) want(t *testing.T, polls int, want ...string) {
	t.Helper()
	if got := f.polls(t, polls); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// TestFollower tells each line once, however late it comes.
func TestFollower(t *testing.T) {
	b := logstest.New()
	b.Lines["t"] = []api.LogLine{{Time: time.Now().Add(-time.Second), Message: "history"}}
	f, history := follow(t, b, 10)
	if !slices.Equal(history, []string{"history"}) {
		t.Errorf("it begins with %q", history)
	}
	f.want(t, 20)
	f.add(f.now, "live")
	f.add(f.now.Add(-2*time.Second), "a little late")
	f.want(t, 1, "a little late", "live")
	f.add(f.now.Add(-9*time.Second), "late")
	f.want(t, farEvery, "late")
	b.Away = true
	f.want(t, 200) // more than a minute
	f.add(f.now.Add(-70*time.Second), "of when it was away")
	b.Away = false
	f.want(t, farEvery, "of when it was away")
	for range 1000 {
		f.add(f.now, fmt.Sprint(f.now))
		f.polls(t, 1)
	}
	b.Most = 10
	for i := range 100 {
		f.add(f.now.Add(time.Duration(i)), fmt.Sprint("many ", i))
	}
	if got := f.polls(t, 20); len(got) != 100 || got[99] != "many 99" {
		t.Errorf("of 100 at once %d are told: %q", len(got), got)
	}
	if len(f.seen) > 1000 {
		t.Errorf("%d lines are remembered", len(f.seen))
	}
}

// TestFollowNoted tells what came long after it was written, and nothing else again.
func TestFollowNoted(t *testing.T) {
	f, _ := follow(t, logstest.New(), 10)
	old := f.now.Add(-40 * time.Minute)
	f.addOf("a", f.now, "of a")
	f.addOf("b", f.now, "of b")
	f.want(t, farEvery, "of a", "of b")
	f.polls(t, 1000) // until they are forgotten
	f.addOf("a", old, "before a")
	f.addOf("a", old.Add(time.Minute), "and after")
	f.note("a", old, old)
	f.note("a", old.Add(time.Minute), old.Add(time.Minute))
	f.want(t, farEvery+2, "before a", "and after")
	f.want(t, 2*farEvery)
	f.note("a", old, old) // the agent got no answer and sends it again
	f.want(t, 2*farEvery)

	f.Most = 3
	for i := range 10 {
		f.addOf("c", old.Add(time.Duration(i)), fmt.Sprint(i))
	}
	f.note("c", old, old.Add(9))
	f.want(t, 2*farEvery, "0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
}

// TestFollowSlowReader tells what came while its reader did not read.
func TestFollowSlowReader(t *testing.T) {
	f, _ := follow(t, logstest.New(), 10)
	f.want(t, 3)
	f.add(f.now.Add(-5*time.Second), "just before")
	f.add(f.now.Add(time.Second), "begun")
	f.now = f.now.Add(10 * time.Minute)
	f.add(f.now.Add(-5*time.Minute), "meanwhile")
	f.want(t, farEvery, "begun", "meanwhile", "just before")
	f.now = f.now.Add(-time.Hour) // the clock is set back
	f.add(f.now, "an hour ago")
	f.want(t, farEvery, "an hour ago")
}

// TestFollowSeam adds lines between the reads with which a follower begins.
func TestFollowSeam(t *testing.T) {
	b := logstest.New()
	f := &followed{Shelf: b, now: time.Now().Round(0)}
	f.add(f.now.Add(-20*time.Second), "left out")
	f.add(f.now.Add(-10*time.Second), "1")
	f.add(f.now, "2")
	seam := &seamShelf{b, func() {
		f.addOf("b", f.now.Add(-15*time.Second), "older than what is shown")
	}}
	q := api.LogQuery{Since: f.now.Add(-time.Hour), Until: f.now.Add(time.Minute), Limit: 2, Follow: true}
	if got := f.start(t, seam, q); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("it begins with %q", got)
	}
	f.now = f.now.Add(5 * time.Minute) // to write that may take long
	f.want(t, farEvery, "older than what is shown")
}

// seamShelf calls a function before it tells the history.
type seamShelf struct {
	*logstest.Shelf
	before func()
}

func (s *seamShelf) History(ctx context.Context, tenant string, q api.LogQuery) ([]api.LogLine, error) {
	s.before()
	return s.Shelf.History(ctx, tenant, q)
}

// TestFollowGoesOn tells one that connects again all since a time, late lines too.
func TestFollowGoesOn(t *testing.T) {
	f := &followed{Shelf: logstest.New(), now: time.Now().Round(0)}
	since := f.now.Add(-time.Minute)
	f.add(since, "since then")
	f.add(since.Add(-time.Hour), "long ago")
	f.addOf("a", since.Add(-time.Hour), "late")
	f.note("a", since.Add(-time.Hour), since.Add(-time.Hour))
	f.start(t, f.Shelf, api.LogQuery{Since: since, Follow: true})
	f.want(t, 2*farEvery, "since then", "late")
}
