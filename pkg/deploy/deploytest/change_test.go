package deploytest

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad/nomadtest"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/jobset"
	"fngen.dev/fngen/pkg/store"
)

// refused holds that a change ended with a problem of a code, whose words have all
// the parts.
func (w *world) refused(problem *api.Problem, code api.Code, parts ...string) {
	w.Helper()
	if problem == nil || problem.Code != code {
		w.Errorf("it ended with %v, not %s", problem, code)
		return
	}
	for _, part := range parts {
		if !strings.Contains(problem.Detail+" "+problem.Help, part) {
			w.Errorf("%q, %q does not say %q", problem.Detail, problem.Help, part)
		}
	}
}

// said holds that the last change said lines one after the other.
func (w *world) said(lines ...string) {
	w.Helper()
	left := w.talk
	for _, line := range lines {
		i := slices.Index(left, line)
		if i < 0 {
			w.Errorf("it does not say %q in its place:\n%s", line, strings.Join(w.talk, "\n"))
			return
		}
		left = left[i+1:]
	}
}

// TestPushSays holds what a push says, and in which order.
func TestPushSays(t *testing.T) {
	inWorld(t, func(w *world) {
		w.mustPush(code(2, oneServer, "one", "three"))
		w.said("compile: finding the functions", "rollout: starting one", "rollout: one: 0 of 1 healthy on web", "rollout: one: 1 of 1 healthy on web", "rollout: stopping web-two")
		w.said("rollout: starting three", "rollout: three: 1 of 1 healthy on web", "rollout: stopping web-two")
		if r := w.result; r == nil || r.Release != 2 || !r.Changed || len(r.Functions) != 2 || r.Functions[0].URL != "https://shop.fngen.localhost" {
			t.Errorf("the result is %+v", r)
		}
		w.heals()
	})
}

// TestUnchanged holds that a push of what is live does nothing, until somebody has
// changed what runs.
func TestUnchanged(t *testing.T) {
	inWorld(t, func(w *world) {
		w.faults.begin(0, "")
		w.mustPush(code(1, oneServer, "one", "two"))
		if w.result.Changed || w.result.Release != 1 {
			t.Errorf("the result is %+v", w.result)
		}
		for _, call := range w.faults.end() {
			if strings.HasPrefix(call, "locks.") || call == "nomad.Place" {
				t.Errorf("it calls %s", call)
			}
		}
		if err := w.nomad.Stop(w.Context(), "shop", "web-two"); err != nil {
			t.Fatal(err)
		}
		w.mustPush(code(1, oneServer, "one", "two"))
		if !w.result.Changed || w.result.Release != 2 {
			t.Errorf("the result is %+v", w.result)
		}
		w.heals()
	})
}

// TestCrash holds that a version that does not come up leaves the one before in its
// place, and that the history says why.
func TestCrash(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"changed":              code(2, oneServer, "one", "two"),
		"one more":             code(2, oneServer, "one", "two", "three"),
		"one less":             code(2, oneServer, "one"),
		"on another server":    code(2, strings.Replace(oneServer, "web", "near", 1), "one", "two"),
		"two where one was":    code(2, strings.Replace(oneServer, "count: 1", "count: 2", 1), "one", "two"),
		"one more server, too": code(2, oneServer+"  - {name: near, size: s, region: us-west, count: 1}\n", "one", "two"),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.crashing(2, 7)
				w.nomad.Behave = also(w.nomad.Behave, "near", nomadtest.Behaviour{After: time.Second, Exit: 7, Output: []string{"its last words"}})
				w.refused(w.push(files), api.Failed, "did not come up: it exited with code 7", "release 1 keeps serving")
				w.known()
				if r := w.release(2); r.State != store.Failed || !strings.Contains(r.Reason, "it exited with code 7") {
					t.Errorf("release 2 is %s: %s", r.State, r.Reason)
				}
				w.heals()
				w.nomad.Behave = nil
				w.mustPush(files)
				w.heals()
			})
		})
	}
}

// also has instances of one group behave otherwise.
func also(behave func(*nomadapi.Job, string) nomadtest.Behaviour, group string, other nomadtest.Behaviour) func(*nomadapi.Job, string) nomadtest.Behaviour {
	return func(job *nomadapi.Job, name string) nomadtest.Behaviour {
		if name == group {
			return other
		}
		return behave(job, name)
	}
}

// TestFirstCrash holds that nothing is left of a first version that does not come up.
func TestFirstCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		if s := w.status(); s.State != "empty" || s.Functions == nil {
			t.Errorf("the status is %+v", s)
		}
		w.crashing(1, 9)
		w.refused(w.push(code(1, oneServer, "one")), api.Failed, "it exited with code 9", "nothing of this project runs")
		if s := w.status(); s.State != "failed" || s.Release != 0 {
			t.Errorf("the status is %+v", s)
		}
		w.heals()
	})
}

// TestFleets holds that a project goes from servers to servers without a gap.
func TestFleets(t *testing.T) {
	near := strings.Replace(oneServer, "web", "near", 1)
	inWorld(t, func(w *world) {
		for i, fleet := range []string{
			strings.Replace(oneServer, "count: 1", "count: 2", 1), near, near + "  - {name: web, size: s, region: us-west, count: 2}\n", oneServer,
		} {
			w.mustPush(code(i+2, fleet, "one", "two"))
			w.heals()
		}
		w.said("rollout: taking one off near")
		if s := w.status(); len(s.Functions) != 2 || len(s.Functions[0].Instances) != 1 || s.Functions[0].Instances[0].Server != "web" || s.Functions[0].Instances[0].Release != 5 {
			t.Errorf("the status is %+v", s)
		}
	})
}

// TestBusy holds that changes of a project exclude each other, and say who is there.
func TestBusy(t *testing.T) {
	inWorld(t, func(w *world) {
		events := must(w.service.Push(w.Context(), w.actor, w.project, api.PushRequest{Tree: w.tree(code(2, oneServer, "one"))}))(w.T)
		for e := range events {
			if e.Phase != nil && e.Phase.Name == "rollout" {
				break
			}
		}
		go func() {
			for range events {
			}
		}()
		w.refused(w.push(code(3, oneServer, "one")), api.Busy, "busy with a push by a@example.com")
		w.refused(w.rollback(1), api.Busy, "busy with a push by a@example.com")
		w.heals()
	})
}

// TestNoRoom holds that a function for which there is no room says so, and what is
// done where there is room for one at a time.
func TestNoRoom(t *testing.T) {
	inWorld(t, func(w *world) {
		w.refused(w.push(code(2, strings.Replace(oneServer, "count: 1", "count: 30", 1), "one", "two")), api.Failed, "there is no room for one", "release 1 keeps serving")
		w.heals()
		w.refused(w.push(code(2, strings.Replace(oneServer, "size: s", "size: m", 1), "one", "two")), api.Failed, "there is no room for one: server \"web\" (m, us-west)")
		w.heals()
	})
}

// TestHandOver holds that a host goes from one function to another without a gap.
func TestHandOver(t *testing.T) {
	inWorld(t, func(w *world) {
		w.mustPush(code(2, oneServer, "zero", "two")) // zero is the first: the project's host is its
		w.heals()
		w.mustPush(code(3, oneServer, "two", "zero")) // which goes to one that is there
		w.heals()
		w.mustPush(code(4, oneServer, "zero"))
		w.heals()
		if got := w.status().URL; got != "https://shop.fngen.localhost" {
			t.Errorf("the project is at %s", got)
		}
	})
}

// TestByHand holds that a push makes what somebody changed in Nomad what it is to be.
func TestByHand(t *testing.T) {
	inWorld(t, func(w *world) {
		live := must(jobset.Decode(w.release(1).Jobs))(t)[0]
		other := *live
		other.Priority = new(70)
		plan := must(w.nomad.Plan(w.Context(), &other))(t)
		deployment := must(w.nomad.Place(w.Context(), &other, plan.Index, nil))(t)
		if deployment == "" {
			t.Fatal("it was not registered")
		}
		if w.differs() == "" {
			t.Error("nobody sees it")
		}
		w.mustPush(code(1, oneServer, "one", "two"))
		w.heals()
		if *live.ID != jobs.ID(w.irOf(w.release(2)).Functions[0]) {
			t.Errorf("the job is %s", *live.ID)
		}
	})
}
