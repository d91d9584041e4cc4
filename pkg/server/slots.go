package server

import (
	"context"
	"sync"
	"time"
)

// places are how many of something may go on at a time: of one caller, and of all.
// Who comes too soon waits a little.
type places struct {
	what    string
	of, all int
	wait    time.Duration
}

var (
	// Each upload holds a few megabytes of memory; callers are keys.
	uploadPlaces = places{"uploads", 4, 24, 20 * time.Second}
	// Sending a tree to an agent holds as much; callers are projects, whose agents
	// come again when they are refused.
	sendPlaces = places{"downloads", 8, 24, 20 * time.Second}
	// A push reads and compiles its tree; callers are keys. One that goes on may
	// last as long as a build.
	changePlaces = places{"pushes, rollbacks and destroys", 8, 64, 2 * time.Minute}
	planPlaces   = places{"plans", 4, 16, 20 * time.Second}
	// One that follows a log has its place until it leaves; callers are keys.
	readPlaces = places{"looks at logs", 10, 200, 10 * time.Second}
	// What is read of a log before that takes memory.
	historyPlaces = places{"looks at logs", 3, 8, 20 * time.Second}
	// A large payload is held in memory once, one after the other; callers are projects.
	largePlaces = places{"large payloads", 2, 8, time.Minute}
	// A batch of a log holds a few megabytes; callers are projects, whose agents come
	// again.
	logPlaces = places{"batches of logs", 4, 16, 20 * time.Second}
)

// slots hands out places.
type slots struct {
	places

	mu    sync.Mutex
	taken int
	by    map[int64]int
	freed chan struct{} // closed when one leaves
}

func newSlots(p places) *slots {
	return &slots{places: p, by: map[int64]int{}, freed: make(chan struct{})}
}

// enter takes a place for a caller; leave gives it back.
func (s *slots) enter(ctx context.Context, caller int64) (leave func(), err error) {
	deadline := time.NewTimer(s.wait)
	defer deadline.Stop()
	for {
		s.mu.Lock()
		if s.taken < s.all && s.by[caller] < s.of {
			s.taken++
			s.by[caller]++
			s.mu.Unlock()
			return func() { s.leave(caller) }, nil
		}
		freed, own := s.freed, s.by[caller] >= s.of
		s.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-deadline.C:
			if own {
				return nil, tooMany("too many " + s.what + " of yours go on at once")
			}
			return nil, tooMany("too many " + s.what + " go on at once")
		}
	}
}

func (s *slots) leave(caller int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	if s.by[caller]--; s.by[caller] == 0 {
		delete(s.by, caller)
	}
	close(s.freed)
	s.freed = make(chan struct{})
}
