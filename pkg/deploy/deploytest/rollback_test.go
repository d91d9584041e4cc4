package deploytest

import (
	"testing"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// TestRollback holds which release a rollback goes to, and what it refuses.
func TestRollback(t *testing.T) {
	inWorld(t, func(w *world) {
		w.refused(w.rollback(0), api.Refused, "has no release to go back to")
		w.refused(w.rollback(9), api.NotFound, "has no release 9")
		w.crashing(2, 1)
		w.push(code(2, oneServer, "one"))
		w.nomad.Behave = nil
		w.refused(w.rollback(2), api.Refused, "never was live")
		w.mustPush(code(3, oneServer, "one"))
		if problem := w.rollback(3); problem != nil || w.result.Changed {
			t.Errorf("to what is live: %v, %+v", problem, w.result)
		}
		if problem := w.rollback(0); problem != nil || !w.result.Changed || w.result.Release != 1 {
			t.Errorf("to the one before: %v, %+v", problem, w.result)
		}
		w.heals()
		w.crashing(3, 4)
		w.refused(w.rollback(3), api.Failed, "it exited with code 4", "release 1 keeps serving")
		if r := w.release(3); r.State != store.Superseded {
			t.Errorf("release 3 is %s", r.State)
		}
		w.heals()
	})
}

// TestRollbackToHistory holds that a release of which only the history is left is
// refused in words, before anything is done.
func TestRollbackToHistory(t *testing.T) {
	inWorld(t, func(w *world) {
		w.mustPush(code(2, oneServer, "one"))
		later := time.Now().Add(time.Hour)
		if got := must(w.store.Sweep(w.Context(), w.project.ID, store.Retention{Unused: later, Since: later, Live: 1}))(w.T); got.Releases != 1 || got.Trees == 0 {
			t.Fatalf("%+v went", got)
		}
		w.refused(w.rollback(1), api.Refused, "the code of release 1 is not kept any more")
		if r := w.release(1); r.State != store.Superseded {
			t.Errorf("release 1 is %s", r.State)
		}
		w.heals()
	})
}
