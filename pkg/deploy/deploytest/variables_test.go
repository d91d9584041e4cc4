package deploytest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/variables"
	"fngen.dev/fngen/pkg/secret/secrettest"
	"fngen.dev/fngen/pkg/store"
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

// A control plane that dies between the store and Vault, or behind Vault, leaves what
// was live, and everybody's name to what they have done.
func TestVariablesThroughDeaths(t *testing.T) {
	for _, call := range []string{"store.SaveVariables", "secrets.Newest", "secrets.Write", "secrets.Has", "store.AddRelease", "store.SetReleaseState live"} {
		for _, how := range []how{dies, dieing, fails, late} {
			t.Run(call+" "+string(how), func(t *testing.T) {
				inNewWorld(t, func(w *world) {
					w.well(w.set("a@example.com", values("A", "1")))
					w.well(w.push(code(1, oneServer, "live_app")))
					w.faults.name(call, how)
					w.set("b@example.com", values("A", "2"))
					if how == dies || how == dieing {
						w.next()
					}
					w.healed()
					live := must(w.store.LiveRelease(w.Context(), w.project.ID))(w.T)
					if v := must(w.store.CurrentVariables(w.Context(), w.project.ID))(w.T); v != live.EnvVersion {
						t.Errorf("version %d is taken, and %d is live", v, live.EnvVersion)
					}
					if got := w.runs()["A"]; live.EnvVersion == 1 && got != "1" || live.EnvVersion == 2 && got != "2" {
						t.Errorf("version %d has %q", live.EnvVersion, got)
					}
					w.well(w.set("c@example.com", values("A", "3")))
					w.wantRuns("A", "3")
					if got := w.by(); !slices.Equal(got, []string{"A c@example.com"}) {
						t.Errorf("%q", got)
					}
				})
			})
		}
	}
}

// What was written and never rolled out, since the control plane died, is known to be
// somebody's and not by hand.
func TestVariablesOfTheDead(t *testing.T) {
	inNewWorld(t, func(w *world) {
		w.well(w.set("a@example.com", values("A", "1")))
		w.faults.name("secrets.Write", dieing)
		w.set("b@example.com", values("B", "2"))
		w.next()
		w.healed()
		req := values("C", "3")
		req.Newest = true
		w.well(w.set("c@example.com", req))
		if got := w.by(); !slices.Equal(got, []string{"A a@example.com", "B b@example.com", "C c@example.com"}) {
			t.Errorf("%q", got)
		}
	})
}

// A version of a rollout that failed is not the one that the next push takes.
func TestVariablesThatDoNotComeUp(t *testing.T) {
	inNewWorld(t, func(w *world) {
		w.well(w.set("a@example.com", values("A", "1")))
		w.well(w.push(code(1, oneServer, "live_app")))
		w.faults.name("nomad.Follow", fails)
		if w.set("a@example.com", values("A", "bad")) == nil {
			t.Fatal("nothing failed")
		}
		w.healed()
		w.wantRuns("A", "1")
		w.well(w.push(code(2, oneServer, "live_app")))
		w.wantRuns("A", "1")
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

// What somebody writes in Vault by hand keeps nobody from setting variables.
func TestVariablesByHand(t *testing.T) {
	inNewWorld(t, func(w *world) {
		byHand := func(newest int) {
			_ = must(w.secrets.Write(w.Context(), "shop", newest, false, map[string]string{"H": "1", "not-a-name": "2", "PATH": "3"}, nil))(w.T)
		}
		w.well(w.set("a@example.com", values("A", "1")))
		w.well(w.push(code(1, oneServer, "live_app")))
		byHand(1)
		w.well(w.set("a@example.com", values("B", "2"))) // what nothing could start with is left out
		w.wantRuns("A", "1", "B", "2", "H", "1")
		for n := 3; n < 3+secrettest.Keeps-1; n++ {
			byHand(n)
		}
		p := w.set("a@example.com", values("B", "3"))
		if p == nil || !strings.Contains(p.Help, "vault kv metadata put -mount=fngen -max-versions=200 shop/env") {
			t.Errorf("%+v", p)
		}
		byHand(3 + secrettest.Keeps - 1) // Vault has forgotten the live one
		w.well(w.set("a@example.com", values("B", "3")))
		w.wantRuns("A", "1", "B", "3", "H", "1")
	})
}

// Versions that no release needs which could come back are destroyed after a while.
func TestOldVariables(t *testing.T) {
	inNewWorld(t, func(w *world) {
		there := func() (out []int) {
			for n := range 10 {
				if w.secrets.Values("shop", n) != nil {
					out = append(out, n)
				}
			}
			return out
		}
		w.well(w.set("a@example.com", values("A", "1")))
		w.well(w.push(code(1, oneServer, "live_app")))
		unused := values("A", "2")
		unused.NoRollout = true
		w.well(w.set("a@example.com", unused))
		w.well(w.set("a@example.com", values("A", "3")))
		if got := there(); !slices.Equal(got, []int{1, 2, 3}) {
			t.Errorf("at once there are %v", got)
		}
		time.Sleep(variables.PruneAfter + time.Minute)
		w.faults.name("secrets.Destroy", fails)
		w.well(w.set("a@example.com", values("A", "4"))) // that it fails is no fault of the change
		w.healed()
		w.well(w.set("a@example.com", values("A", "5")))
		if got := there(); !slices.Equal(got, []int{1, 3, 4, 5}) {
			t.Errorf("there are %v: 2 is of no release", got)
		}
		w.well(w.rollback(1))
		w.wantRuns("A", "1")
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

// A push whose code ends at the first variable that is not there names all of them, once
// each, and so does a change of variables.
func TestUnsetVariablesOfFailedPush(t *testing.T) {
	inNewWorld(t, func(w *world) {
		app := code(1, oneServer, "live_app")
		app["app.py"] = "import os\n" + app["app.py"] + "\nKEY = os.environ[\"KEY\"]\nTOKEN = os.environ[\"TOKEN\"]\nMODE = os.environ.get(\"MODE\")\n"
		unset := func(problem *api.Problem) (out []string) {
			for _, d := range problem.Diagnostics {
				if d.Code == "FN3010" {
					out = append(out, fmt.Sprintf("%s:%d %s", d.File, d.Line, d.Help))
				}
			}
			return out
		}
		key, token := "app.py:12 set it: fngen set_env shop KEY", "app.py:13 set it: fngen set_env shop TOKEN"
		w.crashing(1, 7)
		problem := w.push(app)
		w.refused(problem, api.Failed, "live_app did not come up")
		if got := unset(problem); !slices.Equal(got, []string{key, token}) {
			t.Errorf("a first push: %q", got)
		}
		w.healed()
		set := values("KEY", "1")
		set.NoRollout = true
		w.well(w.set("a@example.com", set))
		w.crashing(2, 7)
		if got := unset(w.push(app)); !slices.Equal(got, []string{token}) {
			t.Errorf("with one of them: %q", got)
		}
		w.healed()
		w.well(w.set("a@example.com", values("TOKEN", "1")))
		w.well(w.push(app))
		w.crashing(4, 7)
		if got := unset(w.set("a@example.com", api.SetVariables{Unset: []string{"KEY"}})); !slices.Equal(got, []string{key}) {
			t.Errorf("unset_env: %q", got)
		}
	})
}

// Who gets the name of a destroyed project does not get its variables.
func TestDestroyedVariables(t *testing.T) {
	inNewWorld(t, func(w *world) {
		w.well(w.set("a@example.com", values("A", "1")))
		w.well(w.push(code(1, oneServer, "live_app")))
		w.destroyed = true
		if out, err := w.service.Destroy(w.Context(), w.actor, w.project); err != nil || !slices.Equal(out.Variables, []string{"A"}) {
			t.Fatalf("it deleted the variables %q: %v", out.Variables, err)
		}
		if w.secrets.Values("shop", 1) != nil {
			t.Error("the variables are still there")
		}
		w.project = must(w.service.Create(w.Context(), store.Actor{AccountID: w.actor.AccountID, Email: "b@example.com"}, "shop"))(w.T)
		if got := w.by(); len(got) > 0 {
			t.Errorf("%q", got)
		}
	})
}
