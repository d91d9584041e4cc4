package server

import (
	"context"
	"sync"
	"time"
)

// Uploads under way hold memory, a few megabytes each: so many at a time of one
// key, and of all. Who comes too soon waits a little.
const (
	uploadsOfKey = 4
	uploadsOfAll = 24
	uploadWait   = 20 * time.Second
)

// slots bounds what goes on at a time.
type slots struct {
	wait time.Duration

	mu    sync.Mutex
	all   int
	of    map[int64]int
	freed chan struct{} // closed when one leaves
}

func newSlots() *slots {
	return &slots{wait: uploadWait, of: map[int64]int{}, freed: make(chan struct{})}
}

// enter takes a place for a key; leave gives it back.
func (s *slots) enter(ctx context.Context, key int64) (leave func(), err error) {
	deadline := time.NewTimer(s.wait)
	defer deadline.Stop()
	for {
		s.mu.Lock()
		if s.all < uploadsOfAll && s.of[key] < uploadsOfKey {
			s.all++
			s.of[key]++
			s.mu.Unlock()
			return func() { s.leave(key) }, nil
		}
		freed, own := s.freed, s.of[key] >= uploadsOfKey
		s.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-deadline.C:
			if own {
				return nil, tooMany("too many uploads with this API key go on at once")
			}
			return nil, tooMany("too many uploads go on at once")
		}
	}
}

func (s *slots) leave(key int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.of[key]--; s.of[key] == 0 {
		delete(s.of, key)
	}
	close(s.freed)
	s.freed = make(chan struct{})
}
