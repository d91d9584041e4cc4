package limit

import (
	"context"
	"sync"
	"time"
)

// Places are how many of something may go on at a time: of one caller, and of all.
// Who comes too soon waits a little.
type Places struct {
	What    string
	Of, All int
	Wait    time.Duration
}

// Slots hands out places.
type Slots struct {
	Places

	mu    sync.Mutex
	taken int
	by    map[int64]int
	freed chan struct{} // closed when one leaves
}

// NewSlots has all places free.
func NewSlots(p Places) *Slots {
	return &Slots{Places: p, by: map[int64]int{}, freed: make(chan struct{})}
}

// Enter takes a place for a caller; leave gives it back.
func (s *Slots) Enter(ctx context.Context, caller int64) (leave func(), err error) {
	deadline := time.NewTimer(s.Wait)
	defer deadline.Stop()
	for {
		s.mu.Lock()
		if s.taken < s.All && s.by[caller] < s.Of {
			s.taken++
			s.by[caller]++
			s.mu.Unlock()
			return func() { s.leave(caller) }, nil
		}
		freed, own := s.freed, s.by[caller] >= s.Of
		s.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-deadline.C:
			if own {
				return nil, TooMany("too many " + s.What + " of yours go on at once")
			}
			return nil, TooMany("too many " + s.What + " go on at once")
		}
	}
}

func (s *Slots) leave(caller int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	if s.by[caller]--; s.by[caller] == 0 {
		delete(s.by, caller)
	}
	close(s.freed)
	s.freed = make(chan struct{})
}

// Taken is how many places are taken.
func (s *Slots) Taken() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}
