package deploytest

import (
	"fmt"
	"slices"
	"testing"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

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
