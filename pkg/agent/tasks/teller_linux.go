package tasks

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/task"
)

// teller tells the control plane what became of tasks: in one message all that came
// about while the last one was confirmed.
type teller struct {
	publish Publisher
	id      string
	done    chan struct{}
	// settle is given all whose ends have been written down with one message.
	settle func([]*settlement)

	// batch and events are what goes into the message that is made: room that is used again.
	batch  []told
	events []task.Event

	mu      sync.Mutex
	waiting []told
	more    chan struct{}
	over    bool
}

// told is an event on its way. That the broker has it is told by confirmed, which is
// closed, or else by settled, with others: nil where nobody waits.
type told struct {
	event     task.Event
	confirmed chan struct{}
	settled   *settlement
}

// isEnd reports whether it tells the end of an attempt.
func (t told) isEnd() bool { return t.confirmed != nil || t.settled != nil }

func newTeller(p Publisher, settle func([]*settlement)) *teller {
	id, err := task.NewID()
	if err != nil {
		id = strconv.FormatInt(time.Now().UnixNano(), 36)
	}
	t := &teller{publish: p, id: id, settle: settle, done: make(chan struct{}), more: make(chan struct{}, 1)}
	go t.run()
	return t
}

// begun tells that an attempt has begun. It is left out where its end follows at once.
func (t *teller) begun(e task.Event) { t.add(told{event: e}) }

// ended tells the end of an attempt, and returns when it is written down.
func (t *teller) ended(e task.Event) {
	confirmed := make(chan struct{})
	t.add(told{event: e, confirmed: confirmed})
	<-confirmed
}

// endedAs tells the end of an attempt; the rest of it is done when that is written down.
func (t *teller) endedAs(e task.Event, s *settlement) { t.add(told{event: e, settled: s}) }

func (t *teller) add(e told) {
	t.mu.Lock()
	t.waiting = append(t.waiting, e)
	t.mu.Unlock()
	t.wake()
}

func (t *teller) wake() {
	select {
	case t.more <- struct{}{}:
	default: // it is awake
	}
}

// close ends the teller when all is told.
func (t *teller) close() {
	t.mu.Lock()
	t.over = true
	t.mu.Unlock()
	t.wake()
	<-t.done
}

func (t *teller) run() {
	defer close(t.done)
	for n := 0; ; n++ {
		batch, over := t.next()
		if len(batch) == 0 {
			if over {
				return
			}
			<-t.more
			continue
		}
		t.events = t.events[:0]
		for _, one := range batch {
			t.events = append(t.events, one.event)
		}
		body, _ := json.Marshal(task.Events{Events: t.events}) // nothing in it can fail but a result, which is JSON
		send(t.publish, queue.Letter{Exchange: task.EventExchange, ID: t.id + "-" + strconv.Itoa(n), Body: body, Reported: time.Now()})
		var settled []*settlement
		for _, one := range batch {
			if one.confirmed != nil {
				close(one.confirmed)
			}
			if one.settled != nil {
				settled = append(settled, one.settled)
			}
		}
		clear(t.events) // results are not held on to
		clear(batch)
		t.settle(settled)
	}
}

// next takes as many events as go into one message; they are there until the next one. A
// beginning whose end is among them is not told.
func (t *teller) next() ([]told, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, size := 0, 0
	for n < len(t.waiting) && n < task.MaxEvents && (n == 0 || size < task.MaxEventBytes/2) {
		e := t.waiting[n].event
		size += 500 + len(e.Result)
		if e.Error != nil {
			size += len(e.Error.Traceback) + len(e.Error.Message) + len(e.Error.Faults) + len(e.Error.Output)
		}
		n++
	}
	ends := map[key]bool{}
	for _, one := range t.waiting[:n] {
		if one.isEnd() {
			ends[key{one.event.ID, one.event.Attempt}] = true
		}
	}
	t.batch = t.batch[:0]
	for _, one := range t.waiting[:n] {
		if one.isEnd() || !ends[key{one.event.ID, one.event.Attempt}] {
			t.batch = append(t.batch, one)
		}
	}
	left := copy(t.waiting, t.waiting[n:])
	clear(t.waiting[left:])
	t.waiting = t.waiting[:left]
	return t.batch, t.over && len(t.waiting) == 0
}

// Pauses between attempts to reach the broker.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
	sendWait   = 30 * time.Second
)

// send sends a message until the broker has confirmed it.
func send(p Publisher, l queue.Letter) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		ctx, cancel := context.WithTimeout(context.Background(), sendWait)
		err := p.PublishAll(ctx, []queue.Letter{l})[0]
		cancel()
		if err == nil {
			return
		}
		time.Sleep(pause)
	}
}

func (r *Runner) send(l queue.Letter) { send(r.publish, l) }
