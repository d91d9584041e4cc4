package retention

import (
	"context"
	"sync"
)

// Using keeps the sweep away from projects in which an upload finds that a content is
// there already: between that and the row that refers to it nothing may remove it.
type Using struct {
	mu     sync.Mutex
	number map[string]int           // of uploads, by scope
	swept  map[string]chan struct{} // closed when the sweep of a scope is over
}

// NewUsing has no upload and no sweep.
func NewUsing() *Using { return &Using{number: map[string]int{}, swept: map[string]chan struct{}{}} }

// Enter is for an upload; it waits for a sweep, which does not take long.
func (u *Using) Enter(ctx context.Context, scope string) (leave func(), err error) {
	for {
		u.mu.Lock()
		sweep, ok := u.swept[scope]
		if !ok {
			u.number[scope]++
			u.mu.Unlock()
			return func() { u.leave(scope) }, nil
		}
		u.mu.Unlock()
		select {
		case <-sweep:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (u *Using) leave(scope string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.number[scope]--; u.number[scope] == 0 {
		delete(u.number, scope)
	}
}

// Sweep is for the sweep of a scope, which does not wait for uploads: there is another
// one later.
func (u *Using) Sweep(scope string) (done func(), ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.number[scope] > 0 {
		return nil, false
	}
	over := make(chan struct{})
	u.swept[scope] = over
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.swept, scope)
		close(over)
	}, true
}
