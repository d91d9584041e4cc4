package deploytest

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad/nomadtest"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// inWorld runs a test in a world of its own, in which the project is live in version 1.
func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		w.mustPush(code(1, oneServer, "one", "two"))
		test(w)
		if w.silent != "" {
			w.Errorf("nobody has served at %s", w.silent)
		}
	})
}

// ofRelease tells by its arguments which release an instance of a group is of.
func ofRelease(job *nomadapi.Job, group string) int {
	for _, g := range job.TaskGroups {
		list, _ := g.Tasks[0].Config["args"].([]any)
		var args []string
		for _, arg := range list {
			args = append(args, arg.(string))
		}
		if *g.Name == group {
			return jobs.ReleaseNumber(args)
		}
	}
	return 0
}

// crashing has instances of a release end with a code, all others come up.
func (w *world) crashing(release, exit int) {
	w.nomad.Behave = func(job *nomadapi.Job, group string) nomadtest.Behaviour {
		out := nomadtest.Behaviour{After: time.Second}
		if ofRelease(job, group) == release {
			out.Exit = exit
		}
		return out
	}
}

func (w *world) status() api.Status {
	w.Helper()
	return must(w.service.Status(w.Context(), w.project))(w.T)
}

func (w *world) release(number int) store.Release {
	w.Helper()
	return must(w.store.Release(w.Context(), w.project.ID, number))(w.T)
}

// TestNomadGoesAway holds what is said, and done, of a push in which Nomad goes away
// for longer than anybody waits: the release is interrupted, everybody is told so,
// and it is undone when Nomad is back.
func TestNomadGoesAway(t *testing.T) {
	inWorld(t, func(w *world) {
		w.nomad.Behave = func(*nomadapi.Job, string) nomadtest.Behaviour { return nomadtest.Behaviour{After: 20 * time.Second} }
		w.faults.begin(0, "")
		go func() {
			time.Sleep(5 * time.Second) // 0 of 1 healthy
			w.faults.gone("nomad", time.Minute)
		}()
		problem := w.push(code(2, oneServer, "one", "two"))
		if problem == nil || !strings.Contains(problem.Help, "fngen status shop") {
			t.Errorf("the push ended with %v", problem)
		}
		if r := w.release(2); r.State != store.Interrupted || !strings.HasPrefix(r.Reason, "not undone yet: ") {
			t.Errorf("release 2 is %s: %s", r.State, r.Reason)
		}
		releases := must(w.service.Releases(w.Context(), w.project))(w.T)
		if releases[0].State != "interrupted" || releases[1].State != "live" {
			t.Errorf("the history is %+v", releases)
		}
		list := must(w.service.List(must(w.store.Summaries(w.Context(), store.Page{AccountID: w.project.AccountID, Limit: 9}))(w.T)))(w.T)
		if list[0].State != "interrupted" || list[0].Release != 1 {
			t.Errorf("the list is %+v", list)
		}
		time.Sleep(time.Minute)
		w.heals()
		if r := w.release(2); r.State != store.Failed || strings.Contains(r.Reason, "not undone yet") {
			t.Errorf("release 2 is %s: %s", r.State, r.Reason)
		}
		if s := w.status(); s.State != "live" || s.Problem != "" || s.Release != 1 {
			t.Errorf("the status is %+v", s)
		}
		for _, line := range []string{"a release is interrupted", "undid an interrupted change"} {
			if !strings.Contains(w.log.String(), line) {
				t.Errorf("the log does not say %q", line)
			}
		}
	})
}

// TestStatusOfInterrupted holds what is said of what is wrong while it is.
func TestStatusOfInterrupted(t *testing.T) {
	inWorld(t, func(w *world) {
		r := must(w.store.AddRelease(w.Context(), w.actor, store.Release{ProjectID: w.project.ID, IR: []byte("{}"), Jobs: []byte("[]")}))(w.T)
		const reason = "not undone yet: context deadline exceeded\nit did not come up\nand more"
		must(struct{}{}, w.store.SetReleaseState(w.Context(), w.actor, w.project.ID, r.Number, store.Interrupted, reason))(w.T)
		s := w.status()
		if want := "release 2 was interrupted and is not undone yet: context deadline exceeded; it is tried again"; s.State != "interrupted" || s.Problem != want || s.Release != 1 {
			t.Errorf("the status is %+v", s)
		}
		must(struct{}{}, w.service.Recover(w.Context()))(w.T)
		w.heals()
		if r := w.release(2); r.State != store.Failed || r.Reason != "it did not come up\nand more" {
			t.Errorf("release 2 is %s: it failed because of %q", r.State, r.Reason)
		}
	})
}

// TestOldDoesNotComeUp holds that a version that was live and does not come up again
// counts as put back, so that one that is mended can be pushed.
func TestOldDoesNotComeUp(t *testing.T) {
	inWorld(t, func(w *world) {
		// Without room for both the old one ends before the new one starts.
		w.expects = false
		must(struct{}{}, w.nomad.Stop(w.Context(), "shop", "web-two"))(w.T)
		w.nomad.Behave = func(job *nomadapi.Job, _ string) nomadtest.Behaviour {
			return nomadtest.Behaviour{After: time.Second, Exit: 3}
		}
		if problem := w.push(code(2, oneServer, "one", "two")); problem == nil {
			t.Fatal("it came up")
		}
		if r := w.release(2); r.State != store.Failed {
			t.Errorf("release 2 is %s: %s", r.State, r.Reason)
		}
		w.nomad.Behave = nil
		if problem := w.push(code(3, oneServer, "one", "two")); problem != nil {
			t.Errorf("what is mended: %v", problem)
		}
		w.heals()
	})
}

// TestPanicIsAFailedChange holds that a panic ends its push alone, with its stack in
// the log, and that what ran before is back.
func TestPanicIsAFailedChange(t *testing.T) {
	inWorld(t, func(w *world) {
		w.faults.name("nomad.Follow", panicking)
		problem := w.push(code(2, oneServer, "one", "two"))
		if problem == nil || problem.Code != api.Internal {
			t.Errorf("the push ended with %v", problem)
		}
		w.heals()
		for _, part := range []string{"panic in a change", "spoiled nomad.Follow", "faulty_nomad.go", "(*Rollout).follow"} {
			if !strings.Contains(w.log.String(), part) {
				t.Errorf("the log does not have %q:\n%s", part, w.log)
			}
		}
	})
}

// TestNextUndoes holds that what one control plane could not undo the next one does,
// and that it does not wait for a push.
func TestNextUndoes(t *testing.T) {
	inWorld(t, func(w *world) {
		w.nomad.Behave = func(*nomadapi.Job, string) nomadtest.Behaviour { return nomadtest.Behaviour{After: 20 * time.Second} }
		w.faults.begin(0, "")
		go func() {
			time.Sleep(5 * time.Second)
			w.faults.gone("nomad", time.Hour)
		}()
		w.push(code(2, oneServer, "one", "two"))
		w.service.Stop()
		w.known()
		w.begin()
		if err := w.service.Recover(w.Context()); err != nil {
			t.Fatal(err)
		}
		w.heals()
		if r := w.release(2); r.State != store.Failed {
			t.Errorf("release 2 is %s", r.State)
		}
	})
}

// TestPushBeginsWithUndoing holds that a push does not build upon what is half done.
func TestPushBeginsWithUndoing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.faults.name("nomad.Follow", dies)
		w.push(code(2, oneServer, "one", "three"))
		w.service.Stop()
		if len(w.left()) != 1 {
			t.Errorf("left is %v", w.left())
		}
		w.begin()
		time.Sleep(lockTime + time.Second) // not at the very moment at which the lock of the dead is let go
		if problem := w.push(code(3, oneServer, "one")); problem != nil {
			t.Errorf("push: %v", problem)
		}
		w.heals()
		if r := w.release(2); r.State != store.Failed || r.Reason != "the control plane stopped during this push; what ran before was put back" {
			t.Errorf("release 2 is %s: %s", r.State, r.Reason)
		}
	})
}

// TestPushOverInterrupted holds that who has mended a project can push it, though what
// was live does not come up any more and so what came after it cannot be undone.
func TestPushOverInterrupted(t *testing.T) {
	inWorld(t, func(w *world) {
		w.nomad.Behave = func(job *nomadapi.Job, group string) nomadtest.Behaviour {
			out := nomadtest.Behaviour{After: time.Second}
			if n := ofRelease(job, group); n == 1 || n == 2 && *job.ID != "web-one" {
				out.Exit = 3 // the database is that of release 2, which is not well itself
			}
			return out
		}
		w.refused(w.push(code(2, oneServer, "one", "three")), api.Failed, "three did not come up", "going back has not worked yet")
		if r := w.release(2); r.State != store.Interrupted {
			t.Fatalf("release 2 is %s: %s", r.State, r.Reason)
		}
		time.Sleep(time.Minute)
		w.known()
		var problem *api.Problem
		for range 5 { // the control plane is at it again and again
			if problem = w.push(code(3, oneServer, "one", "two")); problem == nil || problem.Code != api.Busy {
				break
			}
			time.Sleep(time.Second)
		}
		if problem != nil {
			t.Errorf("what is mended: %v", problem)
		}
		w.heals()
		if r := w.release(2); r.State != store.Failed || !strings.Contains(r.Reason, "three did not come up") {
			t.Errorf("release 2 is %s: %s", r.State, r.Reason)
		}
		if s := w.status(); s.State != "live" || s.Release != 3 {
			t.Errorf("the status is %+v", s)
		}
	})
}
