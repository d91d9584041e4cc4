package waves

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// journal notes what happens in a rollout of which no part is real but its order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) note(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

// TestTogetherOrder holds that jobs are begun in their order, that each waits until
// few enough are coming up, and for nothing that those do then.
func TestTogetherOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var did journal
		w := &Crew{}
		err := w.BringUp(t.Context(), []Wave{{Jobs: 4}}, 2, func(_ context.Context, i int) (Rest, error) {
			did.note("begin %d", i)
			if i == 2 {
				return nil, nil // nothing to do
			}
			return func(_ context.Context, up func()) error {
				time.Sleep(time.Duration(10-i) * time.Second)
				did.note("up %d", i)
				up()
				time.Sleep(time.Minute)
				did.note("answers %d", i)
				return nil
			}, nil
		}, nil)
		want := []string{"begin 0", "begin 1", "up 1", "begin 2", "begin 3", "up 0", "up 3", "answers 1", "answers 0", "answers 3"}
		if err != nil || !slices.Equal(did.lines, want) {
			t.Errorf("%v, in the order\n%s", err, strings.Join(did.lines, "\n"))
		}
	})
}

// TestTogetherFails holds that the first job that does not come up ends those that
// are under way, that no other is begun, and that it is the one that is told of.
func TestTogetherFails(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		name string
		most int
		want []string
	}{
		{"all are under way", 4, []string{"begin 0", "begin 1", "begin 2", "begin 3", "broken 1", "ended 0", "ended 2", "ended 3"}},
		{"some are still to begin", 2, []string{"begin 0", "begin 1", "broken 1", "ended 0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var did journal
				w := &Crew{}
				err := w.BringUp(t.Context(), []Wave{{Jobs: 4}}, test.most, func(_ context.Context, i int) (Rest, error) {
					did.note("begin %d", i)
					return func(ctx context.Context, up func()) error {
						if i == 1 {
							time.Sleep(time.Second)
							did.note("broken %d", i)
							return broken
						}
						<-ctx.Done()
						did.note("ended %d", i)
						return ctx.Err()
					}, nil
				}, nil)
				begun := slices.DeleteFunc(slices.Clone(did.lines), func(l string) bool { return strings.HasPrefix(l, "ended") })
				slices.Sort(did.lines[len(begun):])
				if !errors.Is(err, broken) || !slices.Equal(did.lines, test.want) {
					t.Errorf("%v, in the order\n%s", err, strings.Join(did.lines, "\n"))
				}
			})
		})
	}
}

// TestTogetherBeginFails holds that a job that cannot be begun ends those that are
// under way.
func TestTogetherBeginFails(t *testing.T) {
	noRoom := errors.New("no room")
	w := &Crew{}
	ended := false
	err := w.BringUp(t.Context(), []Wave{{Jobs: 3}}, 3, func(_ context.Context, i int) (Rest, error) {
		if i == 1 {
			return nil, noRoom
		}
		return func(ctx context.Context, _ func()) error {
			<-ctx.Done()
			ended = true
			return ctx.Err()
		}, nil
	}, nil)
	if !errors.Is(err, noRoom) || !ended {
		t.Errorf("%v, the other one ended: %t", err, ended)
	}
}
