// Package locktest has locks in memory for tests, and the suite that holds them to
// those in Consul (Conform).
package locktest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"fngen.dev/fngen/pkg/lock"
)

// Lock is one that is held, as package lock has it.
type Lock interface {
	Context() context.Context
	Release()
}

// Locker takes locks among all who have it.
type Locker struct {
	mu   sync.Mutex
	held map[string]*held
}

type held struct {
	locker       *Locker
	name, holder string
	ctx          context.Context
	end          context.CancelCauseFunc
}

// Acquire takes the lock of a name, or returns a *lock.HeldError at once.
func (l *Locker) Acquire(ctx context.Context, name, holder string) (Lock, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if other := l.held[name]; other != nil {
		return nil, &lock.HeldError{Holder: other.holder}
	}
	h := &held{locker: l, name: name, holder: holder}
	h.ctx, h.end = context.WithCancelCause(ctx)
	if l.held == nil {
		l.held = map[string]*held{}
	}
	l.held[name] = h
	return h, nil
}

// Holders are those who hold something.
func (l *Locker) Holders() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, h := range l.held {
		out = append(out, h.holder)
	}
	return out
}

// Lose takes all locks away, as when their holder has not renewed them.
func (l *Locker) Lose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.held {
		h.end(lock.ErrLost)
	}
	l.held = nil
}

func (h *held) Context() context.Context { return h.ctx }

func (h *held) Release() {
	h.end(context.Canceled)
	h.locker.mu.Lock()
	defer h.locker.mu.Unlock()
	if h.locker.held[h.name] == h {
		delete(h.locker.held, h.name)
	}
}

// Conform is what every locker does. lose ends the session of who holds a name, as
// when he has not renewed it.
func Conform(t *testing.T, acquire func(ctx context.Context, name, holder string) (Lock, error), lose func(name string)) {
	ctx := t.Context()
	const name = "test ${x}/../lock"
	taken := func(name, holder string) Lock {
		t.Helper()
		l, err := acquire(ctx, name, holder)
		if err != nil {
			t.Fatalf("lock of %q for %q: %v", name, holder, err)
		}
		return l
	}
	first := taken(name, "a push by a@example.com")
	_, err := acquire(ctx, name, "another")
	if held, ok := errors.AsType[*lock.HeldError](err); !ok || held.Holder != "a push by a@example.com" {
		t.Fatalf("a lock that is held: %v", err)
	}
	taken("test other", "another").Release()
	first.Release()
	first.Release()
	if !errors.Is(context.Cause(first.Context()), context.Canceled) {
		t.Errorf("after its release its context has the cause %v", context.Cause(first.Context()))
	}

	second := taken(name, "b")
	lose(name)
	<-second.Context().Done()
	if !errors.Is(context.Cause(second.Context()), lock.ErrLost) {
		t.Errorf("a lock that was lost has the cause %v", context.Cause(second.Context()))
	}
	second.Release()

	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := acquire(ended, "test ended", "nobody"); err == nil {
		t.Error("who has gone gets a lock")
	}
}
