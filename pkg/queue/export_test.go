package queue

import "time"

// WatchAt has a session look when it is told to. Before Run only.
func (s *Session) WatchAt(c <-chan time.Time) {
	s.ticks = func() (<-chan time.Time, func()) { return c, func() {} }
}

// Silence has the broker forget that the session reads, as the session does not know.
func (s *Session) Silence() error {
	done := make(chan error, 1)
	s.do(func(e *era) error {
		done <- e.channels[0].ch.Cancel(e.channels[0].tag(), false)
		return nil
	})
	return <-done
}
