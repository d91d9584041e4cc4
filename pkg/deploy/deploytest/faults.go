package deploytest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// how a call is spoiled.
type how string

const (
	fails     how = "fails"       // it has no effect
	hangs     how = "hangs"       // it has no effect and is given up after a while
	late      how = "late"        // it has its effect, and the answer is lost
	away      how = "goes away"   // it and all that follow on its side fail for a while
	dies      how = "dies"        // the control plane is killed in it
	dieing    how = "dies behind" // the control plane is killed when it has its effect
	panicking how = "panics"
)

const (
	hangTime = 45 * time.Second
	awayTime = 40 * time.Second
)

var errSpoiled = errors.New("spoiled")

// faults spoils one of the calls that a control plane makes.
type faults struct {
	mu    sync.Mutex
	calls []string
	// at is the call, counted from 1; 0 is none. named is one by its name.
	at    int
	named string
	how   how
	// side is what has gone away until a time.
	side  string
	until time.Time
	dead  bool
	// killed hears that the control plane is dead.
	killed func()
}

// beside are calls that are made beside a change and not in it: when, and how many, is
// chance. They are not counted, and can be spoiled by their name alone.
var beside = []string{"store.AddEvents", "store.Events", "store.ForgetEvents"}

// verdict counts a call and says what becomes of it.
func (f *faults) verdict(side, name string) how {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		return fails
	}
	named := f.named == side+"."+name
	if named {
		f.named = ""
	}
	if !slices.Contains(beside, side+"."+name) {
		f.calls = append(f.calls, side+"."+name)
		named = named || len(f.calls) == f.at
	}
	if !named {
		if side == f.side && time.Now().Before(f.until) {
			return fails
		}
		return ""
	}
	switch f.how {
	case away:
		f.side, f.until = side, time.Now().Add(awayTime)
		return fails
	case dies, dieing:
		f.dead = true
	}
	return f.how
}

// begin spoils a call from now on; at 0 counts calls only.
func (f *faults) begin(at int, how how) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.at, f.how = nil, at, how
}

// name spoils the next call of a name.
func (f *faults) name(call string, how how) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.named, f.how = call, how
}

// gone takes a side away for a while.
func (f *faults) gone(side string, d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.side, f.until = side, time.Now().Add(d)
}

func (f *faults) isGone(side string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.side == side && time.Now().Before(f.until)
}

// back is when nothing fails any more.
func (f *faults) back() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Until(f.until)
}

// end spoils no more, and returns the calls that were made.
func (f *faults) end() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = 0
	return slices.Clone(f.calls)
}

func call[T any](f *faults, ctx context.Context, side, name string, do func() (T, error)) (T, error) {
	var none T
	switch v := f.verdict(side, name); v {
	case "":
		out, err := do()
		if f.isGone(side) { // meanwhile: it has its effect
			return none, errSpoiled
		}
		return out, err
	case hangs:
		select {
		case <-ctx.Done():
		case <-time.After(hangTime):
		}
	case late:
		_, _ = do()
	case dieing:
		_, _ = do()
		f.killed()
	case dies:
		f.killed()
	case panicking:
		panic("spoiled " + side + "." + name)
	}
	if err := ctx.Err(); err != nil {
		return none, err
	}
	return none, errSpoiled
}

func do(f *faults, ctx context.Context, side, name string, what func() error) error {
	_, err := call(f, ctx, side, name, func() (struct{}, error) { return struct{}{}, what() })
	return err
}
