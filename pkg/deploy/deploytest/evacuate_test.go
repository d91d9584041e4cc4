package deploytest

import (
	"slices"
	"strings"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad/nomadtest"
	"fngen.dev/fngen/pkg/deploy/evacuate"
)

// node is where the one instance of a job is.
func (w *world) node(job string) string {
	w.Helper()
	instances := must(w.nomad.Instances(w.Context(), "shop", job))(w.T)
	if len(instances) != 1 {
		w.Fatalf("%s runs as %+v", job, instances)
	}
	return instances[0].NodeID
}

// stays are the jobs that are on a node.
func (w *world) stays(node string) []string {
	var out []string
	for _, at := range must(w.nomad.On(w.Context(), node))(w.T) {
		out = append(out, at.Job)
	}
	slices.Sort(out)
	return out
}

// TestEmptyServers holds that functions leave a server that is drained, each by a new
// instance that takes over, without a release.
func TestEmptyServers(t *testing.T) {
	inWorld(t, func(w *world) {
		w.service.EmptyServers()
		from := w.node("web-one")
		w.nomad.Drain(from)
		time.Sleep(time.Minute)
		if left := w.stays(from); len(left) > 0 {
			t.Errorf("%v stay", left)
		}
		if n := must(w.store.NextRelease(w.Context(), w.project.ID))(t); n != 2 {
			t.Errorf("there is a release %d", n-1)
		}
		w.heals()
		if !strings.Contains(w.log.String(), `msg="moved a function off a server" project=shop job=web-one server=`+from) {
			t.Errorf("the log is\n%s", w.log)
		}
	})
}

// TestStuck holds that a function for which there is no room elsewhere stays where it
// is and serves, that the log says so once, and that it moves when there is room.
func TestStuck(t *testing.T) {
	inWorld(t, func(w *world) {
		w.service.EmptyServers()
		w.nomad.Drain("s-1")
		w.nomad.Drain("s-2")
		time.Sleep(5 * time.Minute)
		if len(w.stays("s-1"))+len(w.stays("s-2")) != 2 {
			t.Errorf("on s-1 are %v, on s-2 %v", w.stays("s-1"), w.stays("s-2"))
		}
		if n := strings.Count(w.log.String(), "there is no room elsewhere"); n != 2 {
			t.Errorf("the log says it %d times\n%s", n, w.log)
		}
		w.heals()
	})
}

// TestDoesNotMove holds that a function that does not come up elsewhere stays, and is
// tried again after a while.
func TestDoesNotMove(t *testing.T) {
	inWorld(t, func(w *world) {
		w.service.EmptyServers()
		broken := true
		w.nomad.Behave = func(*nomadapi.Job, string) nomadtest.Behaviour {
			if broken {
				return nomadtest.Behaviour{After: time.Second, Exit: 1}
			}
			return nomadtest.Behaviour{After: time.Second}
		}
		from := w.node("web-one")
		before := w.stays(from)
		w.nomad.Drain(from)
		time.Sleep(5 * time.Minute)
		if after := w.stays(from); !slices.Equal(before, after) {
			t.Errorf("%v are there, it was %v", after, before)
		}
		w.heals()
		broken = false
		time.Sleep(evacuate.RetryAfter + time.Minute)
		if after := w.stays(from); len(after) > 0 {
			t.Errorf("%v stay", after)
		}
		w.heals()
	})
}

// TestMovesAfterPush holds that a push waits for a relocation, which nobody asked for
// who wants to push.
func TestMovesAfterPush(t *testing.T) {
	inWorld(t, func(w *world) {
		w.nomad.Behave = func(*nomadapi.Job, string) nomadtest.Behaviour { return nomadtest.Behaviour{After: 20 * time.Second} }
		w.service.EmptyServers()
		from := w.node("web-one")
		w.nomad.Drain(from)
		time.Sleep(5 * time.Second)
		w.mustPush(code(2, oneServer, "one", "two"))
		if !slices.ContainsFunc(w.talk, func(line string) bool {
			return strings.HasPrefix(line, "rollout: another change goes first: moving functions off server "+from)
		}) {
			t.Errorf("it said %q", w.talk)
		}
		w.heals()
		if left := w.stays(from); len(left) > 0 {
			t.Errorf("%v stay", left)
		}
	})
}
