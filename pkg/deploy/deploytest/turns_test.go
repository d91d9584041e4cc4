package deploytest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/turns"
	"fngen.dev/fngen/pkg/store"
)

// crowd is several projects on the servers of one world.
type crowd struct {
	*world
	projects []store.Project
}

func newCrowd(t *testing.T, n int) *crowd {
	c := &crowd{world: newWorld(t)}
	for i := range n {
		c.projects = append(c.projects, must(c.service.Create(t.Context(), c.actor, fmt.Sprintf("p%d", i)))(t))
	}
	return c
}

// push pushes to each of the projects at once and returns what failed, and what was
// said.
func (c *crowd) push(files map[string]string) (failed []string, said string) {
	var mu sync.Mutex
	var pushes sync.WaitGroup
	for _, p := range c.projects {
		tree := c.treeOf(p, files)
		pushes.Go(func() {
			events, err := c.service.Push(c.Context(), c.actor, p, api.PushRequest{Tree: tree})
			if err != nil {
				c.Error(err)
				return
			}
			for e := range events {
				mu.Lock()
				if e.Failed != nil {
					failed = append(failed, p.Name+": "+e.Failed.Detail)
				}
				if e.Phase != nil {
					said += e.Phase.Message + "\n"
				}
				mu.Unlock()
			}
		})
	}
	pushes.Wait()
	return failed, said
}

// functions are n names.
func functions(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("f%d", i))
	}
	return out
}

// TestPushesTakeTurns pushes to projects at once that fill their servers, so that
// there is no room for the new instances of all beside the old ones.
func TestPushesTakeTurns(t *testing.T) {
	for _, n := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			c := newCrowd(t, 7)
			defer c.end()
			if failed, _ := c.push(code(1, oneServer, functions(n)...)); len(failed) > 0 {
				t.Fatalf("first pushes: %q", failed)
			}
			failed, said := c.push(code(2, oneServer, functions(n)...))
			if len(failed) > 0 || !strings.Contains(said, "other pushes to these servers") {
				t.Errorf("%d functions each: %q\n%s", n, failed, said)
			}
			if left := c.left(); len(left) > 0 {
				t.Errorf("left are %q", left)
			}
		})
	}
}

// TestFirstPushesGiveWay pushes new projects at once of which not all fit: as many
// come up as there is room for, though all of them together hold it at first.
func TestFirstPushesGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 8)
		defer c.end()
		begin := time.Now()
		failed, said := c.push(code(1, oneServer, functions(4)...))
		// 28 of the 32 instances fit.
		if len(failed) != 1 || !strings.Contains(failed[0], "there is no room for") {
			t.Errorf("%q\n%s", failed, said)
		}
		if took := time.Since(begin); took > 2*turns.Patience {
			t.Errorf("it took %v", took)
		}
		if left := c.left(); len(left) > 0 {
			t.Errorf("left are %q", left)
		}
	})
}

// TestNoRoomAtAll is told at once when nobody else is there to wait for.
func TestNoRoomAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 1)
		defer c.end()
		begin := time.Now()
		failed, _ := c.push(code(1, strings.Replace(oneServer, "count: 1", "count: 100", 1), "f"))
		if len(failed) != 1 || time.Since(begin) > turns.Interval {
			t.Errorf("%q after %v", failed, time.Since(begin))
		}
	})
}
