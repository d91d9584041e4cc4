package queue

import (
	"cmp"
	"errors"
	"slices"
	"sync"
)

// answers are the messages of one channel that have been answered. One acknowledgement may
// cover all up to a message, and must not cover one that is not done with: that would be
// lost with the agent.
type answers struct {
	mu sync.Mutex
	// spans are tags, in order and apart from each other: no more of them than there are
	// messages without an answer, and one.
	spans []span
}

type span struct{ from, to uint64 }

// add notes that a message has been answered. With the lock.
func (a *answers) add(tag uint64) {
	i, _ := slices.BinarySearchFunc(a.spans, tag, func(s span, tag uint64) int { return cmp.Compare(s.from, tag+1) })
	joinsLeft := i > 0 && a.spans[i-1].to+1 >= tag
	joinsRight := i < len(a.spans) && a.spans[i].from == tag+1
	switch {
	case joinsLeft && joinsRight:
		a.spans[i-1].to = a.spans[i].to
		a.spans = slices.Delete(a.spans, i, i+1)
	case joinsLeft:
		a.spans[i-1].to = max(a.spans[i-1].to, tag)
	case joinsRight:
		a.spans[i].from = tag
	default:
		a.spans = slices.Insert(a.spans, i, span{tag, tag})
	}
}

// all is the last message before which none is without an answer, 0 when the first one is.
func (a *answers) all() uint64 {
	if len(a.spans) == 0 || a.spans[0].from != 1 {
		return 0
	}
	return a.spans[0].to
}

// AckAll says of messages that they are done with, in as few answers as can be. Those that
// came over a connection that is gone come again.
func AckAll(ds []*Delivery) {
	byReader := map[*reader][]*Delivery{}
	for _, d := range ds {
		byReader[d.reader] = append(byReader[d.reader], d)
	}
	for r, those := range byReader {
		if !those[0].Stale() {
			_ = r.ackAll(those) // an error: the connection is gone
		}
	}
}

// ackAll acknowledges messages of this channel. What is noted is answered by the end: the
// lock is held until it is written, so that no other answer overtakes it.
func (r *reader) ackAll(ds []*Delivery) error {
	r.answers.mu.Lock()
	defer r.answers.mu.Unlock()
	r.open.Add(-int64(len(ds)))
	for _, d := range ds {
		r.answers.add(d.tag)
	}
	last, covered := uint64(0), 0
	var errs []error
	for _, d := range ds {
		if d.tag <= r.answers.all() {
			last, covered = max(last, d.tag), covered+1
		} else {
			errs = append(errs, r.ch.Ack(d.tag, false))
		}
	}
	if covered > 0 {
		errs = append(errs, r.ch.Ack(last, covered > 1))
	}
	return errors.Join(errs...)
}
