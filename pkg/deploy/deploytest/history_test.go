package deploytest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad/nomadtest"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy"
)

// wordsOf is an event in one line, with when it was.
func wordsOf(e api.Event) string {
	at := e.Time.Format("04:05.000000000 ")
	switch {
	case e.Phase != nil:
		return at + e.Phase.Name + ": " + e.Phase.Message
	case e.Output != nil:
		return at + e.Output.Source + "| " + e.Output.Line
	case e.Failed != nil:
		return at + "failed: " + e.Failed.Detail
	}
	return at + fmt.Sprintf("done: release %d, changed %v, %d functions", e.Done.Release, e.Done.Changed, len(e.Done.Functions))
}

// all reads a stream to its end.
func all(events <-chan api.Event) (out []string) {
	for e := range events {
		out = append(out, wordsOf(e))
	}
	return out
}

// history are the events that are kept of a release, as a control plane tells them.
func (w *world) history(at *deploy.Service, number int, follow bool) []string {
	w.Helper()
	return all(must(at.Events(w.Context(), w.project, number, follow))(w.T))
}

// holds holds that a text is in one of the lines.
func (w *world) holds(lines []string, text string) {
	w.Helper()
	if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, text) }) {
		w.Errorf("none says %q:\n%s", text, strings.Join(lines, "\n"))
	}
}

// slow has each instance come up in a while.
func (w *world) slow() {
	w.nomad.Behave = func(*nomadapi.Job, string) nomadtest.Behaviour { return nomadtest.Behaviour{After: 20 * time.Second} }
}

// appears waits until there is a release of a number.
func (w *world) appears(number int) {
	for {
		if _, err := w.store.Release(w.Context(), w.project.ID, number); err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// TestHistory holds that what a change said is kept with its release, and nothing else:
// of a push, of one that failed, and of a rollback, which takes the place of the push.
func TestHistory(t *testing.T) {
	inWorld(t, func(w *world) {
		push := all(must(w.service.Push(w.Context(), w.actor, w.project, api.PushRequest{Tree: w.tree(code(2, oneServer, "one"))}))(t))
		same(t, "the events of a push", w.history(w.service, 2, false), push)
		w.crashing(3, 7)
		push = all(must(w.service.Push(w.Context(), w.actor, w.project, api.PushRequest{Tree: w.tree(code(3, oneServer, "one"))}))(t))
		same(t, "the events of one that failed", w.history(w.service, 3, true), push)
		w.holds(push, "failed: one did not come up")
		back := all(must(w.service.Rollback(w.Context(), w.actor, w.project, 1))(t))
		same(t, "the events of a rollback", w.history(w.service, 1, false), back)
		if _, err := w.service.Events(w.Context(), w.project, 9, false); codeOf(err) != api.NotFound {
			t.Errorf("of no release: %v", err)
		}
	})
}

// TestFollowElsewhere holds that another control plane tells of a push as it goes on, from
// its beginning to its end.
func TestFollowElsewhere(t *testing.T) {
	inWorld(t, func(w *world) {
		w.slow()
		other := w.plane(&faults{})
		defer other.Stop()
		events := must(w.service.Push(w.Context(), w.actor, w.project, api.PushRequest{Tree: w.tree(code(2, oneServer, "one", "two"))}))(t)
		here := make(chan []string)
		go func() { here <- all(events) }()
		w.appears(2)
		var there []string
		for e := range must(other.Events(w.Context(), w.project, 2, true))(t) {
			if late := time.Since(e.Time); e.Phase != nil && e.Phase.Name == "rollout" && late > 2*time.Second {
				t.Errorf("%q is told %v later", e.Phase.Message, late)
			}
			there = append(there, wordsOf(e))
		}
		same(t, "the events elsewhere", there, <-here)
		w.holds(there, "done: release 2")
	})
}

// TestFollowTheDead holds that who follows a push whose control plane dies hears from
// another one how it is undone, and that it failed.
func TestFollowTheDead(t *testing.T) {
	inWorld(t, func(w *world) {
		other := w.plane(&faults{})
		defer other.Stop()
		w.slow()
		w.faults.name("store.SetReleaseState live", dies)
		if w.push(code(2, oneServer, "one", "three")); len(w.left()) != 1 {
			t.Fatalf("left is %v", w.left())
		}
		events := must(other.Events(w.Context(), w.project, 2, true))(t)
		there := make(chan []string)
		go func() { there <- all(events) }()
		w.next()
		begin := time.Now()
		lines := <-there
		w.holds(lines, "rollout: starting one")
		w.holds(lines, "undoing release 2, which was interrupted")
		w.holds(lines[len(lines)-1:], "failed: release 2 of shop is not live: the control plane stopped during this push; what ran before was put back")
		if took := time.Since(begin); took > lockTime+healTime {
			t.Errorf("it took %v", took)
		}
		w.heals()
	})
}

// TestPushGoesOn holds that who loses the connection in the middle of a push goes on at
// another control plane: each event is told once.
func TestPushGoesOn(t *testing.T) {
	inWorld(t, func(w *world) {
		w.slow()
		other := w.plane(&faults{})
		defer other.Stop()
		ctx, leave := context.WithCancel(w.Context())
		defer leave()
		events := must(w.service.Push(ctx, w.actor, w.project, api.PushRequest{Tree: w.tree(code(2, oneServer, "one", "two"))}))(t)
		var heard []string
		var last api.Event
		for e := range events {
			heard, last = append(heard, wordsOf(e)), e
			if e.Phase != nil && strings.Contains(e.Phase.Message, "0 of 1 healthy") {
				leave()
				break
			}
		}
		if last.Release != 2 {
			t.Fatalf("it is of release %d: %q", last.Release, heard)
		}
		for e := range must(other.Events(w.Context(), w.project, last.Release, true))(t) {
			if e.Time.After(last.Time) {
				heard = append(heard, wordsOf(e))
			}
		}
		same(t, "the events heard at both", heard, w.history(other, 2, false))
		w.holds(heard[len(heard)-1:], "done: release 2")
	})
}

// TestNothingWaitsForHistory holds that a push is well, and as fast, whatever becomes of
// what is kept of it; and that what was not kept at first is kept in the end.
func TestNothingWaitsForHistory(t *testing.T) {
	for _, how := range []how{fails, hangs, late, away, panicking} {
		t.Run(string(how), func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.slow()
				begin := time.Now()
				w.mustPush(code(2, oneServer, "one"))
				usual := time.Since(begin)
				w.faults.name("store.AddEvents", how)
				begin = time.Now()
				events := must(w.service.Push(w.Context(), w.actor, w.project, api.PushRequest{Tree: w.tree(code(3, oneServer, "one"))}))(t)
				var said []string
				for e := range events {
					if said = append(said, wordsOf(e)); e.Done != nil && time.Since(begin) > usual+time.Second && how != away {
						t.Errorf("it took %v, and %v before", time.Since(begin), usual)
					}
				}
				if how == away { // with it went all of the store
					return
				}
				w.holds(said[len(said)-1:], "done: release 3")
				same(t, "the events", w.history(w.service, 3, true), said)
				w.heals()
			})
		})
	}
}
