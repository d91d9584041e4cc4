package queue

import (
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	amqp "github.com/rabbitmq/amqp091-go"
)

// reader is one channel that reads one queue, by one consumer at a time.
type reader struct {
	source Source
	ch     *amqp.Channel
	reads  bool
	// consumers counts those that it had.
	consumers int
	// came counts messages, open those of them that are not answered.
	came, open atomic.Int64
	answers    answers
	// last and idle are of who watches: what came had been at the last look, and how
	// often since then there was something that did not come.
	last int64
	idle int
}

// tag names the consumer of a channel. Each has a name of its own, since the broker
// remembers one that was cancelled until all it was given is answered.
func (r *reader) tag() string { return "fngen-" + strconv.Itoa(r.consumers) }

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
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	// The queue was deleted: the broker says so once.
	cancelled := ch.NotifyCancel(make(chan string, 1))
	r := &reader{source: source, ch: ch}
	if err := e.read(r, source.Prefetch); err != nil {
		return err
	}
	e.channels = append(e.channels, r)
	e.readers.Add(1)
	go func() {
		defer e.readers.Done()
		e.watch(source, closed, cancelled)
	}()
	return nil
}

// read has a channel that does not read begin to, unless with a prefetch of 0.
func (e *era) read(r *reader, prefetch int) error {
	r.source.Prefetch = prefetch
	if prefetch == 0 {
		return nil
	}
	if err := r.ch.Qos(prefetch, 0, false); err != nil {
		return err
	}
	r.consumers++
	in, err := r.ch.Consume(r.source.Queue, r.tag(), false, r.source.Fanout != "", false, false, nil)
	if err != nil {
		return err
	}
	r.reads = true
	e.readers.Add(1)
	go func() {
		defer e.readers.Done()
		e.forward(r, in)
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
		r.came.Add(1)
		r.open.Add(1)
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
	if !r.reads {
		return nil
	}
	r.reads = false
	return r.ch.Cancel(r.tag(), false)
}
