package server

import (
	"context"
	"sync"
	"time"
)

// turns lets those that want the same thing have it one after the other.
type turns struct {
	mu sync.Mutex
	m  map[string]chan struct{}
}

func newTurns() *turns { return &turns{m: map[string]chan struct{}{}} }

// taken reports whether somebody has the thing.
func (t *turns) taken(what string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.m[what]
	return ok
}

// settled waits until nobody has the thing, but not for long.
func (t *turns) settled(ctx context.Context, what string, atMost time.Duration) {
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

// take waits for the thing; done gives it to the next.
func (t *turns) take(ctx context.Context, what string) (done func(), err error) {
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
