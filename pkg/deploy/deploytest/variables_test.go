package deploytest

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/variables"
	"fngen.dev/fngen/pkg/secret/secrettest"
)

// set sets variables as somebody, and returns how that ended.
func (w *world) set(by string, req api.SetVariables) *api.Problem {
	w.Helper()
	actor := w.actor
	actor.Email = by
	return w.ends(w.service.SetVariables(w.Context(), actor, w.project, req))
}

func values(pairs ...string) api.SetVariables {
	req := api.SetVariables{Set: map[string]api.Value{}}
	for i := 0; i < len(pairs); i += 2 {
		req.Set[pairs[i]] = api.Value(pairs[i+1])
	}
	return req
}

// runs is what the live release gives its instances, without the platform's mark.
func (w *world) runs() map[string]string {
	w.Helper()
	live := must(w.store.LiveRelease(w.Context(), w.project.ID))(w.T)
	out := maps.Clone(w.secrets.Values(w.project.Name, live.EnvVersion))
	maps.DeleteFunc(out, func(name, _ string) bool { return strings.HasPrefix(name, ".") })
	if live.EnvVersion > 0 && !strings.Contains(string(live.Jobs), "/env?version=") {
		w.Errorf("the jobs of release %d do not name the version", live.Number)
	}
	return out
}

func (w *world) wantRuns(pairs ...string) {
	w.Helper()
	want := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		want[pairs[i]] = pairs[i+1]
	}
	if got := w.runs(); !maps.Equal(got, want) {
		w.Errorf("runs with %v, want %v", got, want)
	}
}

func (w *world) well(p *api.Problem) {
	w.Helper()
	if p != nil {
		w.Fatalf("%s (%s)", p.Detail, p.Help)
	}
}

// by tells who has set each name, "NAME version by".
func (w *world) by() []string {
	w.Helper()
	v := must(w.service.Variables(w.Context(), w.project))(w.T)
	var out []string
	for _, n := range v.Variables {
		out = append(out, strings.Join([]string{n.Name, n.SetBy}, " "))
	}
	return out
}

// healed waits until nothing is half done, or spoiled, any more.
func (w *world) healed() {
	w.Helper()
	time.Sleep(max(w.faults.back(), 2*lockTime))
	w.heals()
}

// inNewWorld runs a test in a world of its own, in which the project has nothing yet.
func inNewWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		test(w)
	})
}

// Variables are set before the first push, rolled out as releases, taken by pushes, and
// brought back by rollbacks.
func TestVariables(t *testing.T) {
	inNewWorld(t, func(w *world) {
		w.well(w.set("a@example.com", values("A", "1", "B", "2")))
		if r := w.result.Variables; r.RolledOut || r.Version != 1 || !slices.Equal(r.Added, []string{"A", "B"}) {
			t.Errorf("%+v", r)
		}
		app := code(1, oneServer, "live_app")
		w.well(w.push(app))
		w.wantRuns("A", "1", "B", "2")

		w.well(w.set("b@example.com", values("B", "3", "C", "4")))
		if r := w.result; !r.Variables.RolledOut || r.Release != 2 || !slices.Equal(r.Variables.Changed, []string{"B"}) || !slices.Equal(r.Variables.Added, []string{"C"}) {
			t.Errorf("%+v", r)
		}
		w.wantRuns("A", "1", "B", "3", "C", "4")
		if got := w.by(); !slices.Equal(got, []string{"A a@example.com", "B b@example.com", "C b@example.com"}) {
			t.Errorf("%q", got)
		}
		w.well(w.push(app))
		if w.result.Changed {
			t.Error("the same code with the same variables was rolled out again")
		}
		w.well(w.set("a@example.com", api.SetVariables{Unset: []string{"A"}, NoRollout: true}))
		w.wantRuns("A", "1", "B", "3", "C", "4")
		w.well(w.push(app)) // now
		if !w.result.Changed {
			t.Error("the push did not take the new variables")
		}
		w.wantRuns("B", "3", "C", "4")

		w.well(w.rollback(1))
		w.wantRuns("A", "1", "B", "2")
		w.well(w.push(code(2, oneServer, "live_app")))
		w.wantRuns("A", "1", "B", "2")
	})
}

// After going back, the newest version in Vault has values that must not come again by
// themselves.
func TestVariablesAfterRollback(t *testing.T) {
	inNewWorld(t, func(w *world) {
		w.well(w.set("a@example.com", values("A", "1", "B", "2", "C", "3")))
		w.well(w.push(code(1, oneServer, "live_app")))
		w.well(w.set("a@example.com", values("B", "bad", "D", "bad")))
		w.well(w.rollback(0))
		w.refused(w.set("b@example.com", values("E", "5")), api.Refused, "older values of B")
		w.wantRuns("A", "1", "B", "2", "C", "3")

		w.well(w.set("b@example.com", values("E", "5", "B", "6"))) // what is stale is given; what came with it goes
		w.wantRuns("A", "1", "B", "6", "C", "3", "E", "5")

		w.well(w.set("b@example.com", values("B", "bad")))
		w.well(w.rollback(0))
		w.well(w.set("b@example.com", api.SetVariables{Unset: []string{"B"}}))
		w.wantRuns("A", "1", "C", "3", "E", "5")

		w.well(w.set("b@example.com", values("A", "new")))
		w.well(w.rollback(0))
		newest := values("E", "7")
		newest.Newest = true
		w.well(w.set("b@example.com", newest))
		w.wantRuns("A", "new", "C", "3", "E", "7")
	})
}

// Of two people who begin with the same version, the second is told of the first, be it
// before or while that one is at it.
func TestVariablesConflict(t *testing.T) {
	inNewWorld(t, func(w *world) {
		w.well(w.set("a@example.com", values("A", "1")))
		first, second := values("A", "2"), values("B", "3")
		first.Base, second.Base = new(1), new(1)
		w.well(w.set("a@example.com", first))
		w.refused(w.set("b@example.com", second), api.Drifted, "a@example.com has changed the variables")
		w.refused(w.set("b@example.com", api.SetVariables{Unset: []string{"NONE"}}), api.NotFound, "no variable NONE")

		// Somebody writes in Vault after this change has looked.
		w.meanwhile = func() {
			_ = must(w.secrets.Write(w.Context(), "shop", 2, false, map[string]string{"H": "hand"}, nil))(w.T)
		}
		w.refused(w.set("b@example.com", values("B", "3")), api.Drifted, "at this very moment")
		w.well(w.set("b@example.com", values("B", "3"))) // what was written by hand is taken over
		w.well(w.push(code(1, oneServer, "live_app")))
		w.wantRuns("A", "2", "B", "3", "H", "hand")
		if got := w.by(); !slices.Equal(got, []string{"A by hand in Vault", "B b@example.com", "H by hand in Vault"}) {
			t.Errorf("%q", got)
		}
	})
}

// Limits hold for all variables together, and a live version is not forgotten by Vault.
func TestVariablesLimits(t *testing.T) {
	inNewWorld(t, func(w *world) {
		large := strings.Repeat("x", api.MaxValueBytes)
		req := values()
		for _, name := range []string{"A", "B", "C", "D", "E", "F", "G"} {
			req.Set[name] = api.Value(large)
		}
		w.well(w.set("a@example.com", req))
		w.refused(w.set("a@example.com", values("H", large)), api.TooLarge, "8 variables")
		w.well(w.push(code(1, oneServer, "live_app")))
		for range secrettest.Keeps - 1 - variables.SpareVersions {
			req := values("N", "1")
			req.NoRollout = true
			w.well(w.set("a@example.com", req))
		}
		last := values("N", "1")
		last.NoRollout = true
		w.refused(w.set("a@example.com", last), api.Refused, "would forget the live one")
		w.well(w.set("a@example.com", values("N", "2"))) // which is live then
	})
}

// The version of the variables is a part of a plan and of its seal, and what the code
// needs and has not is named with its place.
func TestVariablesInPlans(t *testing.T) {
	inNewWorld(t, func(w *world) {
		app := code(1, oneServer, "live_app")
		app["app.py"] = "import os\n" + app["app.py"] + "\nKEY = os.environ[\"KEY\"]\n"
		w.well(w.push(app))
		if d := w.result.Diagnostics; len(d) != 1 || d[0].Code != "FN3010" || d[0].File != "app.py" || d[0].Line != 12 {
			t.Errorf("%+v", d)
		}
		if v := must(w.service.Variables(w.Context(), w.project))(w.T); len(v.Missing) != 1 || v.Missing[0].Name != "KEY" {
			t.Errorf("%+v", v)
		}
		set := values("KEY", "1", "OTHER", "2")
		set.NoRollout = true
		w.well(w.set("a@example.com", set))
		v := must(w.service.Variables(w.Context(), w.project))(w.T)
		if len(v.Missing) > 0 || v.Version != 1 || v.Live != 0 || len(v.Variables[0].Reads) != 1 || v.Variables[0].Reads[0].Line != 12 || !slices.Equal(v.Variables[0].Reads[0].Functions, []string{"live_app"}) || len(v.Variables[1].Reads) > 0 {
			t.Errorf("%+v", v)
		}
		w.well(w.push(app))
		if d := w.result.Diagnostics; len(d) > 0 || !w.result.Changed {
			t.Errorf("%+v", w.result)
		}
	})
}
