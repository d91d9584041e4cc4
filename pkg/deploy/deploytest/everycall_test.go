package deploytest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/panics"
	"fngen.dev/fngen/pkg/store"
)

// operation is something that a control plane does with a project, and of which
// every call is spoiled in turn.
type operation struct {
	name   string
	before func(*world)
	do     func(*world)
	// after is what holds in the end, beside what always does.
	after func(*world)
}

var operations = []operation{
	{"first push", func(*world) {}, func(w *world) { w.push(code(1, oneServer, "one", "two")) }, (*world).pushable},
	{"push", pushed, func(w *world) { w.push(code(2, oneServer, "one", "three")) }, (*world).pushable},
	{"rollback", func(w *world) { pushed(w); w.mustPush(code(2, oneServer, "one", "three")) }, func(w *world) { w.rollback(1) }, (*world).pushable},
	{"relocation", func(w *world) { pushed(w); w.service.EmptyServers() }, func(w *world) {
		w.nomad.Drain(must(w.nomad.Instances(w.Context(), "shop", "web-one"))(w.T)[0].NodeID)
		time.Sleep(2 * time.Minute)
	}, (*world).pushable},
	{"destroy", func(w *world) { pushed(w); w.addPending() }, func(w *world) { w.destroyed = true; w.destroy() }, (*world).goes},
}

// destroy destroys the project as a request does: a panic ends the request.
func (w *world) destroy() error {
	return panics.Do(func() error {
		_, err := w.service.Destroy(w.Context(), w.actor, w.project)
		return err
	})
}

// addPending has the project as a control plane leaves it that dies in a push.
func (w *world) addPending() {
	live := must(w.store.LiveRelease(w.Context(), w.project.ID))(w.T)
	must(w.store.AddRelease(w.Context(), w.actor, store.Release{ProjectID: w.project.ID, Tree: live.Tree, IR: live.IR, Jobs: live.Jobs}))(w.T)
}

// goes holds that the project can be destroyed however far a destroy has come, and
// that its name is free then. A push in its place would have begun anew.
func (w *world) goes() {
	time.Sleep(max(w.faults.back(), 2*lockTime))
	if _, err := w.store.ProjectByName(w.Context(), "shop"); err == nil {
		if err := w.destroy(); err != nil {
			w.Fatalf("the next destroy: %v", err)
		}
	}
	if ids := must(w.nomad.JobIDs(w.Context(), "shop"))(w.T); len(ids) > 0 || len(w.left()) > 0 {
		w.Errorf("the jobs %v and %v are left", ids, w.left())
	}
	if _, err := w.nomad.Plan(w.Context(), &nomadapi.Job{ID: new("x"), Namespace: new("shop")}); err == nil {
		w.Error("the namespace is left")
	}
	w.project = must(w.service.Create(w.Context(), w.actor, "shop"))(w.T)
	w.pushable()
}

func pushed(w *world) { w.mustPush(code(1, oneServer, "one", "two")) }

// pushable holds that the project goes on as if nothing had been.
func (w *world) pushable() {
	time.Sleep(w.faults.back())
	w.heals()
	if w.Failed() {
		return
	}
	problem := w.push(code(9, oneServer, "one"))
	for problem != nil && problem.Code == api.Busy { // the control plane looks once more whether anything is left
		time.Sleep(time.Second)
		problem = w.push(code(9, oneServer, "one"))
	}
	if problem != nil {
		w.Errorf("the next push: %v", problem)
	}
	w.heals()
}

// run does an operation with a call of it spoiled, and holds what must hold. It
// returns the calls that were made.
func (o operation) run(t *testing.T, at int, how how) (calls []string) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		o.before(w)
		w.faults.begin(at, how)
		o.do(w)
		calls = w.faults.end()
		if !w.destroyed { // who destroys it knows
			w.known()
		}
		if w.faults.dead {
			w.next()
		}
		o.after(w)
		if w.Failed() {
			w.Logf("the calls were %v", calls)
			if at > 0 && at <= len(calls) {
				w.Logf("%s was spoiled; the log is\n%s", calls[at-1], w.log)
			}
		}
	})
	return calls
}

// TestEveryCall makes each call of each operation fail, hang, answer too late, take
// its side away with it, kill the control plane, and panic. Whatever it is, what the
// store says is what runs, or is known to be undone; somebody serves all the time;
// and soon after nothing fails any more all is well, and the project is free.
func TestEveryCall(t *testing.T) {
	for _, o := range operations {
		calls := o.run(t, 0, "")
		if len(calls) < 10 {
			t.Fatalf("%s makes the calls %v only", o.name, calls)
		}
		for _, how := range []how{fails, hangs, late, away, dies, dieing, panicking} {
			t.Run(fmt.Sprintf("%s/%s", o.name, how), func(t *testing.T) {
				t.Parallel()
				for at, call := range calls {
					if how == panicking && slices.Contains(neverPanic, call) {
						continue
					}
					t.Run(fmt.Sprintf("%d %s", at+1, strings.ReplaceAll(call, " ", "_")), func(t *testing.T) { o.run(t, at+1, how) })
				}
			})
		}
	}
}

// neverPanic are calls that end in the library of the lock, not in code of ours that
// could panic.
var neverPanic = []string{"locks.Release"}
