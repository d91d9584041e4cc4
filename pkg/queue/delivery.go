package queue

import (
	"errors"

	amqp "github.com/rabbitmq/amqp091-go"

	"fngen.dev/fngen/pkg/task"
)

// ErrStale is an answer to a message whose connection is gone. The message comes, or
// came, again; nothing was answered.
var ErrStale = errors.New("the message came over a connection that is gone")

// Delivery is one message. It is answered once, by Ack, Return or Reject, in the epoch in
// which it came.
type Delivery struct {
	Queue string
	Epoch uint64
	ID    string
	Type  string
	App   string
	// Headers are the sender's and the broker's.
	Headers map[string]any
	Body    []byte
	// Redelivered says that it was handed out before.
	Redelivered bool
	tag         uint64
	era         *era
	reader      *reader
}

func newDelivery(e *era, r *reader, m amqp.Delivery) *Delivery {
	return &Delivery{
		Queue: r.source.Queue, Epoch: e.number, ID: m.MessageId, Type: m.Type, App: m.AppId,
		Headers: m.Headers, Body: m.Body, Redelivered: m.Redelivered || returned(m.Headers),
		tag: m.DeliveryTag, era: e, reader: r,
	}
}

// returned reports whether a quorum queue counts deliveries before this one.
func returned(headers amqp.Table) bool {
	n, ok := headers["x-delivery-count"].(int64)
	return ok && n > 0
}

// Task reads the message as a task.
func (d *Delivery) Task() (task.Message, error) {
	return task.ReadMessage(d.ID, d.Type, d.App, d.Headers, d.Body)
}

// Channel is equal for messages that came over the same channel: those that one Ack of
// many may cover.
func (d *Delivery) Channel() any { return d.reader.ch }

// Tag counts the messages of a channel.
func (d *Delivery) Tag() uint64 { return d.tag }

// Stale reports whether the message can be answered no more.
func (d *Delivery) Stale() bool {
	d.era.mu.Lock()
	defer d.era.mu.Unlock()
	return d.era.ended
}

// Ack says that the message is done with; with upTo, and all before it of its channel.
func (d *Delivery) Ack(upTo bool) error {
	return d.answer(func() error { return d.reader.ch.Ack(d.tag, upTo) })
}

// Return gives the message back to its queue.
func (d *Delivery) Return() error {
	return d.answer(func() error { return d.reader.ch.Nack(d.tag, false, true) })
}

// Reject makes the message a dead letter.
func (d *Delivery) Reject() error {
	return d.answer(func() error { return d.reader.ch.Reject(d.tag, false) })
}

// answer writes it. A channel is never opened again, so that an answer which comes too
// late meets one that is closed, and no other message.
func (d *Delivery) answer(f func() error) error {
	if d.Stale() {
		return ErrStale
	}
	// Noted when it is written: else an acknowledgement of many might come before it.
	d.reader.answers.mu.Lock()
	defer d.reader.answers.mu.Unlock()
	if err := f(); err != nil {
		return errors.Join(ErrStale, err)
	}
	d.reader.answers.add(d.tag)
	d.reader.open.Add(-1)
	return nil
}
