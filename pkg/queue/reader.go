package queue

import (
	"errors"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"
)

// reader is one channel that reads one queue.
type reader struct {
	source    Source
	ch        *amqp.Channel
	cancelled bool
}

// tag names the one consumer of a channel.
const tag = "fngen"

// consume begins to read a queue over a channel of its own, so that what the broker
// holds against one does not end the others unseen.
func (e *era) consume(source Source) error {
	ch, err := e.conn.Channel()
	if err != nil {
		return err
	}
	if source.Fanout != "" {
		if err := declareOwn(ch, source); err != nil {
			return err
		}
	}
	if err := ch.Qos(source.Prefetch, 0, false); err != nil {
		return err
	}
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	// The queue was deleted: the broker says so once.
	cancelled := ch.NotifyCancel(make(chan string, 1))
	in, err := ch.Consume(source.Queue, tag, false, source.Fanout != "", false, false, nil)
	if err != nil {
		return err
	}
	r := &reader{source: source, ch: ch}
	e.channels = append(e.channels, r)
	e.readers.Add(2)
	go func() {
		defer e.readers.Done()
		e.forward(r, in)
	}()
	go func() {
		defer e.readers.Done()
		e.watch(source, closed, cancelled)
	}()
	return nil
}

func declareOwn(ch *amqp.Channel, source Source) error {
	if _, err := ch.QueueDeclare(source.Queue, false, true, true, false, nil); err != nil {
		return err
	}
	return ch.QueueBind(source.Queue, "", source.Fanout, false, nil)
}

// forward hands messages on until the channel ends. What nobody took by then comes
// again.
func (e *era) forward(r *reader, in <-chan amqp.Delivery) {
	for m := range in {
		select {
		case e.out <- newDelivery(e, r, m):
		case <-e.gone:
			for range in { // the library waits for whoever reads
			}
			return
		}
	}
}

// watch ends the era with the first channel that ends.
func (e *era) watch(source Source, closed <-chan *amqp.Error, cancelled <-chan string) {
	select {
	case err := <-closed:
		if err != nil {
			e.fail(fmt.Errorf("read %s: %w", source.Queue, err))
			return
		}
		e.fail(fmt.Errorf("read %s: the connection was closed", source.Queue))
	case _, ok := <-cancelled:
		if !ok {
			if err := <-closed; err != nil {
				e.fail(fmt.Errorf("read %s: %w", source.Queue, err))
				return
			}
			e.fail(fmt.Errorf("read %s: the connection was closed", source.Queue))
			return
		}
		e.fail(fmt.Errorf("read %s: %w", source.Queue, errCancelled))
	}
}

var errCancelled = errors.New("the broker has ended it, as when the queue is deleted")

// cancel ends the reading; the channel stays for what is to be answered.
func (r *reader) cancel() error {
	r.cancelled = true
	return r.ch.Cancel(tag, false)
}
