package tasks_test

import (
	"slices"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/store/tasks"
	"fngen.dev/fngen/pkg/task"
)

// TestPages: every task is on one page, newest first, and a page of some states has only
// those.
func TestPages(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i := range 25 {
		m := w.add()
		state := task.Succeeded
		if i%5 == 0 {
			state = task.Dead
		} else if i%5 == 1 {
			state = task.Failed
		}
		w.apply(w.event(m, 1, state))
		want = append([]string{m.ID}, want...)
	}
	read := func(f tasks.Filter) []string {
		t.Helper()
		var got []string
		for {
			page, err := w.List(t.Context(), w.p.ID, f)
			if err != nil || len(page) > f.Limit {
				t.Fatal(page, err)
			}
			for _, task := range page {
				got = append(got, task.ID)
			}
			if len(page) < f.Limit {
				return got
			}
			f.Before = page[len(page)-1].ID
		}
	}
	if got := read(tasks.Filter{Limit: 4}); !slices.Equal(got, want) {
		t.Errorf("all:\n%s", strings.Join(got, "\n"))
	}
	some := read(tasks.Filter{Limit: 3, States: []task.State{task.Dead, task.Failed}})
	if len(some) != 10 || !slices.IsSortedFunc(some, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("dead and failed:\n%s", strings.Join(some, "\n"))
	}
	if got := read(tasks.Filter{Limit: 3, Function: "other"}); len(got) != 0 {
		t.Errorf("of another function: %v", got)
	}
}
