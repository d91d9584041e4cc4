package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"fngen.dev/fngen/pkg/task"
)

// Source is one queue that a session reads.
type Source struct {
	Queue string
	// Prefetch is how many messages may be on their way or unanswered at once.
	Prefetch int
	// Fanout is set for a queue that the session declares for itself, exclusive and
	// gone with the connection, and binds to this exchange.
	Fanout string
}

// Session reads queues, over one connection at a time. When that breaks it is thrown away
// with all that came over it, and another one is opened, for ever: each has an epoch of
// its own, and what came in one epoch can only be answered in it. Messages that are not
// answered come again.
type Session struct {
	broker  task.Broker
	name    string
	sources []Source
	log     *slog.Logger
	out     chan *Delivery
	// reset has one place: why the connection is to be thrown away.
	reset chan string
	// ticks tell when to look whether the broker hands out what there is.
	ticks func() (<-chan time.Time, func())

	mu       sync.Mutex
	epoch    uint64
	prefetch int // of the first source
	draining bool
	// tasks are for the one goroutine that has the connection.
	tasks chan func(*era) error
}

// NewSession makes a session; Run reads. name is what an operator sees it as.
func NewSession(b task.Broker, name string, log *slog.Logger, sources ...Source) *Session {
	s := &Session{
		broker: b, name: name, sources: sources, log: log, out: make(chan *Delivery),
		reset: make(chan string, 1), ticks: ticks, tasks: make(chan func(*era) error, 16),
	}
	if len(sources) > 0 {
		s.prefetch = sources[0].Prefetch
	}
	return s
}

// Deliveries are the messages of all sources, of the present epoch and, where a reader
// is slow, of earlier ones: those are stale.
func (s *Session) Deliveries() <-chan *Delivery { return s.out }

// Epoch counts the connections so far. It is 0 before the first.
func (s *Session) Epoch() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.epoch
}

// Reset throws the connection away, for a reason that is logged: it does not do what it
// should.
func (s *Session) Reset(reason string) {
	select {
	case s.reset <- reason:
	default: // it is about to be
	}
}

// SetPrefetch changes how many messages of the first source may be unanswered, with 0
// nothing is read. What came before stays as it is, and does not count.
func (s *Session) SetPrefetch(n int) {
	s.mu.Lock()
	s.prefetch = n
	s.mu.Unlock()
	s.do(func(e *era) error {
		if s.isDraining() {
			return nil
		}
		return e.renew(s.first())
	})
}

// Drain takes no more messages. Those that came can still be answered.
func (s *Session) Drain() {
	s.mu.Lock()
	s.draining = true
	s.mu.Unlock()
	s.do((*era).cancel)
}

func (s *Session) do(f func(*era) error) {
	select {
	case s.tasks <- f:
	default: // so many that are not done say that there is no connection: the next is as it should be
	}
}

// first is the first source as it is to be now.
func (s *Session) first() Source {
	s.mu.Lock()
	defer s.mu.Unlock()
	source := s.sources[0]
	source.Prefetch = s.prefetch
	return source
}

func (s *Session) isDraining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

// Run reads until ctx ends, and then gives back what is not answered.
func (s *Session) Run(ctx context.Context) {
	for failed := 0; ctx.Err() == nil; {
		began := time.Now()
		err := s.live(ctx)
		if ctx.Err() != nil {
			return
		}
		s.log.LogAttrs(ctx, slog.LevelWarn, "reading from the broker was interrupted", slog.String("connection", s.name), slog.Any("error", err))
		if failed++; time.Since(began) > lastPause {
			failed = 0
		}
		pause(ctx, failed)
	}
}

// live has one connection, from its beginning to its end.
func (s *Session) live(ctx context.Context) error {
	e, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer e.end()
	look, stop := s.ticks()
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case reason := <-s.reset:
			return errors.New(reason)
		case err := <-e.broken:
			return err
		case f := <-s.tasks:
			if err := f(e); err != nil {
				return err
			}
		case <-look:
			if err := e.look(); err != nil {
				return err
			}
		}
	}
}

// openTime is how long it may take from a connection to the first message, where there
// is one: a broker that is silent for longer is asked anew.
const openTime = 30 * time.Second

func (s *Session) open(ctx context.Context) (*era, error) {
	conn, err := dial(ctx, s.broker, s.name)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.epoch++
	e := &era{number: s.epoch, conn: conn, out: s.out, broken: make(chan error, 1), gone: make(chan struct{})}
	s.mu.Unlock()
	watchdog := time.AfterFunc(openTime, func() { hangUp(conn) })
	defer watchdog.Stop()
	for i, source := range s.sources {
		if i == 0 {
			source = s.first()
		}
		if source.Fanout == "" && (s.isDraining() || source.Prefetch == 0) {
			continue
		}
		if err := e.consume(source); err != nil {
			e.end()
			return nil, fmt.Errorf("read %s: %w", source.Queue, err)
		}
	}
	return e, nil
}

// era is one connection of a session with its channels. It is never opened again.
type era struct {
	number uint64
	conn   *amqp.Connection
	out    chan<- *Delivery
	// broken has the first reason why it ended, gone is closed when it has.
	broken  chan error
	gone    chan struct{}
	readers sync.WaitGroup

	mu    sync.Mutex
	ended bool
	// channels are those that read, one for each queue.
	channels []*reader
	// asks is the channel that asks how much lies in a queue, nil before the first time.
	asks *amqp.Channel
}

// end closes everything. Whoever waits for a reader is let go.
func (e *era) end() {
	e.mu.Lock()
	over := e.ended
	e.ended = true
	e.mu.Unlock()
	if over {
		return
	}
	close(e.gone)
	hangUp(e.conn)
	e.readers.Wait()
}

func (e *era) fail(err error) {
	select {
	case e.broken <- err:
	default: // not the first reason
	}
}

// renew reads a queue with another prefetch. It stops reading first, and begins anew over
// the same channel: a prefetch counts for consumers that come after it, and one answer
// may still cover messages from before and after.
func (e *era) renew(source Source) error {
	r := e.reader(source.Queue)
	switch {
	case r == nil && source.Prefetch == 0:
		return nil
	case r == nil:
		return e.consume(source)
	}
	if err := r.cancel(); err != nil {
		return err
	}
	return e.read(r, source.Prefetch)
}

// cancel stops reading of all queues that are not the session's own.
func (e *era) cancel() error {
	for _, r := range e.channels {
		if r.source.Fanout != "" {
			continue
		}
		if err := r.cancel(); err != nil {
			return err
		}
	}
	return nil
}

// reader is what reads a queue, or has read it; nil where nothing ever did.
func (e *era) reader(queue string) *reader {
	for _, r := range e.channels {
		if r.source.Queue == queue {
			return r
		}
	}
	return nil
}
