package queue

import (
	"fmt"
	"time"
)

const (
	// watchTime is between two looks at a session.
	watchTime = 30 * time.Second
	// mostIdle is how many looks may find messages that do not come. At the first they
	// may be on their way.
	mostIdle = 2
)

func ticks() (<-chan time.Time, func()) {
	t := time.NewTicker(watchTime)
	return t.C, t.Stop
}

// look reports a queue whose messages do not come, though more may: the connection
// lives, and the broker has forgotten who reads.
func (e *era) look() error {
	for _, r := range e.channels {
		came := r.came.Load()
		if r.source.Fanout != "" || !r.reads || came != r.last || r.open.Load() >= int64(r.source.Prefetch) {
			r.last, r.idle = came, 0
			continue
		}
		ready, err := e.ready(r.source.Queue)
		switch {
		case err != nil:
			return fmt.Errorf("ask how much is in %s: %w", r.source.Queue, err)
		case ready == 0 || r.came.Load() != came:
			r.idle = 0
			continue
		}
		if r.idle++; r.idle >= mostIdle {
			return fmt.Errorf("%d messages of %s do not come", ready, r.source.Queue)
		}
	}
	return nil
}

// ready is how many messages of a queue nobody has. A broker that does not answer loses
// the connection.
func (e *era) ready(queue string) (int, error) {
	timer := time.AfterFunc(openTime, func() { hangUp(e.conn) })
	defer timer.Stop()
	if e.asks == nil {
		ch, err := e.conn.Channel()
		if err != nil {
			return 0, err
		}
		e.asks = ch
	}
	q, err := e.asks.QueueDeclarePassive(queue, true, false, false, false, nil)
	return q.Messages, err
}
