package limit

import (
	"context"
	"sync"
	"time"
)

// Turns lets those that want the same thing have it one after the other.
type Turns struct {
	mu sync.Mutex
	m  map[string]chan struct{}
}

// NewTurns has nothing taken.
func NewTurns() *Turns { return &Turns{m: map[string]chan struct{}{}} }

// Taken reports whether somebody has the thing.
func (t *Turns) Taken(what string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.m[what]
	return ok
}

// Settled waits until nobody has the thing, but not for long.
func (t *Turns) Settled(ctx context.Context, what string, atMost time.Duration) {
	t.mu.Lock()
	taken, ok := t.m[what]
	t.mu.Unlock()
	if !ok {
		return
	}
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	select {
	case <-taken:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Take waits for the thing; done gives it to the next.
func (t *Turns) Take(ctx context.Context, what string) (done func(), err error) {
	for {
		t.mu.Lock()
		taken, ok := t.m[what]
		if !ok {
			mine := make(chan struct{})
			t.m[what] = mine
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				delete(t.m, what)
				t.mu.Unlock()
				close(mine)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-taken:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
