package queue

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"fngen.dev/fngen/pkg/task"
)

const (
	// window is how many messages are under way at once. More than a thousand gain
	// nothing (measured by RabbitMQ's own, and here).
	window = 1000
	// connectWait is how long a message waits for a connection.
	connectWait = 4 * time.Second
	// blockedGrace is how long a message may stay unconfirmed after the broker said that
	// it takes nothing: what it had taken before, it confirms at once.
	blockedGrace = 500 * time.Millisecond
)

// Letter is a message to be sent: where to, and what.
type Letter struct {
	// Exchange is empty for the queue that Key names.
	Exchange, Key string
	// ID is unique among the messages under way.
	ID       string
	Type     string
	App      string
	Headers  map[string]any
	Body     []byte
	Reported time.Time
}

// TaskLetter is a task on its way to the queue of its function, or through an
// exchange that ends there.
func TaskLetter(exchange string, m task.Message) Letter {
	return Letter{
		Exchange: exchange, Key: task.Queue(m.Project, m.Function), ID: m.ID, Type: m.Function, App: m.Project,
		Headers: m.Headers(), Body: m.Body, Reported: m.Enqueued,
	}
}

// Publisher sends messages and waits until the broker has them on its disk. It
// connects anew for ever. It is safe for concurrent use.
type Publisher struct {
	broker task.Broker
	name   string
	log    *slog.Logger
	places chan struct{}
	end    context.CancelFunc
	done   chan struct{}

	mu   sync.Mutex
	line *line
	// changed is closed when line changes.
	changed chan struct{}
	lines   int
}

// NewPublisher begins to connect. name is what an operator sees the connection as.
func NewPublisher(ctx context.Context, b task.Broker, name string, log *slog.Logger) *Publisher {
	p := &Publisher{
		broker: b, name: name, log: log, places: make(chan struct{}, window),
		done: make(chan struct{}), changed: make(chan struct{}),
	}
	ctx, p.end = context.WithCancel(ctx)
	go p.run(ctx)
	return p
}

// Close ends the connection. What is not confirmed by then is ErrUnknown.
func (p *Publisher) Close() {
	p.end()
	<-p.done
}

// run keeps a line open until ctx ends.
func (p *Publisher) run(ctx context.Context) {
	defer close(p.done)
	for failed := 0; ctx.Err() == nil; {
		l, err := openLine(ctx, p.broker, p.name)
		if err != nil {
			p.log.LogAttrs(ctx, slog.LevelWarn, "broker cannot be reached", slog.String("connection", p.name), slog.Any("error", err))
			pause(ctx, failed)
			failed++
			continue
		}
		failed = 0
		p.set(l)
		l.serve(ctx)
		p.set(nil)
		if ctx.Err() == nil {
			p.log.LogAttrs(ctx, slog.LevelWarn, "connection to the broker was lost", slog.String("connection", p.name), slog.Any("error", l.cause))
		}
	}
}

func (p *Publisher) set(l *line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line = l
	if l != nil {
		p.lines++
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// Lines counts the connections so far.
func (p *Publisher) Lines() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lines
}

// current waits for a line.
func (p *Publisher) current(ctx context.Context) (*line, error) {
	l, changed := p.now()
	if l != nil {
		return l, nil
	}
	timer := time.NewTimer(connectWait)
	defer timer.Stop()
	for ; l == nil; l, changed = p.now() {
		select {
		case <-changed:
		case <-p.done:
			return nil, ErrUnreachable
		case <-ctx.Done():
			return nil, errors.Join(ErrUnreachable, ctx.Err())
		case <-timer.C:
			return nil, ErrUnreachable
		}
	}
	return l, nil
}

// now is the line, nil where there is none, and what is closed when that changes.
func (p *Publisher) now() (*line, chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.line, p.changed
}

// Publish sends one message, and returns when the broker has confirmed it, or an error
// that says what became of it. Its time is that of ctx, which should have an end.
func (p *Publisher) Publish(ctx context.Context, m Letter) error {
	return p.PublishAll(ctx, []Letter{m})[0]
}

// PublishAll sends messages in their order without waiting for one before the next,
// and returns what became of each, at the same place.
func (p *Publisher) PublishAll(ctx context.Context, ms []Letter) []error {
	errs, calls := make([]error, len(ms)), make([]*call, len(ms))
	for i, m := range ms {
		calls[i], errs[i] = p.send(ctx, m)
	}
	for i, c := range calls {
		if c != nil {
			errs[i] = c.wait(ctx)
		}
	}
	return errs
}

// send puts a message on the line; the call tells what becomes of it.
func (p *Publisher) send(ctx context.Context, m Letter) (*call, error) {
	l, err := p.current(ctx)
	if err != nil {
		return nil, err
	}
	select {
	case p.places <- struct{}{}:
	case <-ctx.Done():
		return nil, errors.Join(ErrUnreachable, ctx.Err()) // nothing was sent
	}
	c, err := l.send(ctx, m, func() { <-p.places })
	if err != nil {
		<-p.places
		return nil, err
	}
	return c, nil
}

// publishing is a message as AMQP has it: persistent, and JSON.
func publishing(m Letter) amqp.Publishing {
	return amqp.Publishing{
		MessageId: m.ID, Type: m.Type, AppId: m.App, Timestamp: m.Reported, ContentType: "application/json",
		DeliveryMode: amqp.Persistent, Headers: m.Headers, Body: m.Body,
	}
}
