package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"fngen.dev/fngen/pkg/task"
)

// line is one connection of a publisher, with what it has sent and is not confirmed.
// When it breaks it is thrown away.
type line struct {
	conn *amqp.Connection
	ch   *amqp.Channel
	// Returns and confirms are read in one goroutine from channels without a buffer, so
	// that the return of a message is seen before its confirm, as the broker sent them.
	returns  chan amqp.Return
	confirms chan amqp.Confirmation
	blocks   chan amqp.Blocking
	closed   chan *amqp.Error
	// cause is why it broke; to be read when serve has returned.
	cause error

	// writing is held by whoever writes. A broker that takes nothing does not read
	// either, so that a writer may wait; mu is never held meanwhile.
	writing chan struct{}

	mu      sync.Mutex
	pending map[uint64]*call
	byID    map[string]*call
	over    bool
	blocked bool
}

// call is one message under way.
type call struct {
	id      string
	tag     uint64
	done    chan error
	release func()
	err     error
}

// wait returns what became of the message, or that nobody knows. What is confirmed
// after the time of ctx is not waited for.
func (c *call) wait(ctx context.Context) error {
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		select { // both may have come: the answer counts
		case err := <-c.done:
			return err
		default:
			return fmt.Errorf("%w: %w", ErrUnknown, context.Cause(ctx))
		}
	}
}

func openLine(ctx context.Context, b task.Broker, name string) (*line, error) {
	conn, err := dial(ctx, b, name)
	if err != nil {
		return nil, err
	}
	ch, err := conn.Channel()
	if err == nil {
		err = ch.Confirm(false)
	}
	if err != nil {
		hangUp(conn)
		return nil, fmt.Errorf("open channel: %w", err)
	}
	return &line{
		conn: conn, ch: ch, pending: map[uint64]*call{}, byID: map[string]*call{}, writing: make(chan struct{}, 1),
		returns: ch.NotifyReturn(make(chan amqp.Return)), confirms: ch.NotifyPublish(make(chan amqp.Confirmation)),
		blocks: conn.NotifyBlocked(make(chan amqp.Blocking)),
		// A channel that is closed by itself is told here too.
		closed: ch.NotifyClose(make(chan *amqp.Error, 1)),
	}, nil
}

// send writes a message. release is called once when its outcome is known, unless
// there is an error here, which says that nothing was sent.
func (l *line) send(ctx context.Context, m Letter, release func()) (*call, error) {
	select {
	case l.writing <- struct{}{}:
	case <-ctx.Done():
		return nil, errors.Join(ErrUnreachable, ctx.Err())
	}
	defer func() { <-l.writing }()
	c := &call{id: m.ID, tag: l.ch.GetNextPublishSeqNo(), done: make(chan error, 1), release: release}
	if err := l.add(c); err != nil {
		return nil, err
	}
	if err := l.ch.PublishWithContext(ctx, m.Exchange, m.Key, true, false, publishing(m)); err != nil && l.take(c.tag) != nil {
		// A message that was cut short is none. Where the call is not there any more the
		// line has broken meanwhile, and it has its answer.
		return nil, errors.Join(ErrUnreachable, err)
	}
	return c, nil
}

// add notes what is about to be sent, unless nothing can be.
func (l *line) add(c *call) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.over:
		return ErrUnreachable
	case l.blocked:
		return ErrBlocked
	}
	l.pending[c.tag], l.byID[c.id] = c, c
	return nil
}

// take removes a call, and returns it if it was there.
func (l *line) take(tag uint64) *call {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.pending[tag]
	delete(l.pending, tag)
	if c != nil && l.byID[c.id] == c {
		delete(l.byID, c.id)
	}
	return c
}

// serve tells each call what became of it, until the line breaks or ctx ends.
func (l *line) serve(ctx context.Context) {
	defer l.finish()
	var grace <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			l.cause = ctx.Err()
			return
		case err := <-l.closed:
			l.cause = errors.New("it was closed")
			if err != nil {
				l.cause = err
			}
			return
		case r, ok := <-l.returns:
			if ok {
				l.returned(r)
			} else {
				l.returns = nil
			}
		case c, ok := <-l.confirms:
			if ok {
				l.confirmed(c)
			} else {
				l.confirms = nil
			}
		case b, ok := <-l.blocks:
			if !ok {
				l.blocks = nil
				continue
			}
			l.setBlocked(b.Active)
			grace = nil
			if b.Active {
				grace = time.After(blockedGrace)
			}
		case <-grace:
			l.giveUp(fmt.Errorf("%w, and %w", ErrBlocked, ErrUnknown))
		}
	}
}

func (l *line) setBlocked(active bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.blocked = active
}

// returned notes that a message had no queue; its confirm follows.
func (l *line) returned(r amqp.Return) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.byID[r.MessageId]; c != nil {
		c.err = fmt.Errorf("%w: %s", ErrUnroutable, r.RoutingKey)
	}
}

// confirmed ends a call: the broker has the message, or (nack) the queue is full.
func (l *line) confirmed(f amqp.Confirmation) {
	c := l.take(f.DeliveryTag)
	if c == nil {
		return
	}
	if c.err == nil && !f.Ack {
		c.err = ErrFull
	}
	c.finish(c.err)
}

func (c *call) finish(err error) {
	c.done <- err
	c.release()
}

// giveUp ends all calls that are not confirmed.
func (l *line) giveUp(err error) {
	l.mu.Lock()
	pending := l.pending
	l.pending, l.byID = map[uint64]*call{}, map[string]*call{}
	l.mu.Unlock()
	for _, c := range pending {
		c.finish(err)
	}
}

// finish closes the connection, and reads on meanwhile: the library waits for whoever
// listens.
func (l *line) finish() {
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for l.returns != nil || l.confirms != nil || l.blocks != nil {
			select {
			case _, ok := <-l.returns:
				if !ok {
					l.returns = nil
				}
			case f, ok := <-l.confirms:
				if ok {
					l.confirmed(f)
				} else {
					l.confirms = nil
				}
			case _, ok := <-l.blocks:
				if !ok {
					l.blocks = nil
				}
			}
		}
	}()
	hangUp(l.conn)
	<-drained
	l.giveUp(ErrUnknown)
}
