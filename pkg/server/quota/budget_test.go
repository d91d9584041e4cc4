package quota

import (
	"errors"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/api"
)

// TestBudget moves the clock: what an account has sent comes back evenly within a day,
// and another account has its own.
func TestBudget(t *testing.T) {
	now := time.Now()
	b := NewBudget(24_000)
	b.now = func() time.Time { return now }
	left := func(account int64) bool {
		err := b.Look(account)
		if problem, ok := errors.AsType[*api.Problem](err); err != nil && (!ok || problem.Code != api.NoRoom) {
			t.Errorf("it refuses with %v", err)
		}
		return err == nil
	}
	b.Spend(1, 30_000) // what is under way when it ends may end
	if left(1) || !left(2) {
		t.Error("of two accounts the one that has spent all may go on, or the other may not")
	}
	now = now.Add(5 * time.Hour)
	if left(1) {
		t.Error("what was spent beyond a day's share is forgotten")
	}
	now = now.Add(2 * time.Hour)
	if !left(1) {
		t.Error("nothing has come back in seven hours")
	}
	b.Spend(1, 2000)
	if left(1) {
		t.Error("what came back can be spent twice")
	}
	if unbounded := NewBudget(0); unbounded.Look(1) != nil {
		t.Error("0 is a bound")
	}
}
