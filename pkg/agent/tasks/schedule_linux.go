package tasks

import (
	"slices"
	"syscall"
	"time"
)

// Tasks wait in one queue. The first goes to a process that has a place free; where all
// are taken, into the socket of one whose tasks are so short that it will come to it
// within pipeTime. What lies in the socket of a process that takes longer than overdue
// over what it is at is taken back as soon as there is a place for it. So nothing waits
// behind a long task while a place is free, and nothing is moved about for nothing where
// all are busy, or the machine is.

// overdue is more than pipeTime, for machines are busy.
const overdue = 10 * time.Millisecond

// schedule hands out what waits, as far as there is room. With the crew's lock.
func (c *Crew) schedule(n *news) {
	if c.stopping || c.isGone() {
		for _, j := range c.queue {
			n.ended = append(n.ended, verdict{j, outcome{unstarted: true}})
		}
		c.queue = nil
		return
	}
	now := time.Now()
	free := c.free()
	if len(c.queue) == 0 && free > 0 {
		c.relieve(now, n)
	}
	for len(c.queue) > 0 {
		j := c.queue[0]
		if j.place {
			if free < 1 {
				break
			}
			c.held, free, c.began = c.held+1, free-1, now
			n.ended = append(n.ended, verdict{j, outcome{}})
		} else {
			w := c.room(free, now, len(j.m.Body))
			if w == nil {
				break
			}
			if !w.put(j, now) {
				break // what it is at ends, or it does: then there is room
			}
			if j.worker != nil && !j.since.IsZero() {
				free, c.began = free-1, now
				n.begun = append(n.begun, j)
			}
		}
		c.queue[0] = nil
		c.queue = c.queue[1:]
	}
	c.grow(now)
	c.look()
}

// room is the process that a task goes to.
func (c *Crew) room(free int, now time.Time, size int) *worker {
	var best *worker
	window := c.pace.ahead(pipeTime, 1, maxAhead)
	for _, w := range c.workers {
		if w.over {
			continue
		}
		if len(w.pipe) < w.places {
			if free > 0 {
				return w
			}
			continue
		}
		fits := w.behind() < window*w.places && w.behind() < maxAhead && w.bytes+size <= maxPipe && now.Sub(w.began) < overdue
		if fits && (best == nil || w.behind() < best.behind()) {
			best = w
		}
	}
	return best
}

// free is how many more tasks may run.
func (c *Crew) free() int {
	n := c.most - c.held
	for _, w := range c.workers {
		n -= w.runs()
	}
	return n
}

// grow has as many processes started as there is work for.
func (c *Crew) grow(now time.Time) {
	if now.Before(c.notBefore) {
		return
	}
	places := 0
	for _, w := range c.workers {
		if !w.over {
			places += w.places
		}
	}
	per := c.places()
	want := (min(len(c.queue), c.most-c.held-places) + per - 1) / per
	for c.starting < want {
		c.starting++
		go c.enlist()
	}
}

// look has the crew looked over in a while, where something waits in a socket.
func (c *Crew) look() {
	if c.looks || !slices.ContainsFunc(c.workers, func(w *worker) bool { return w.behind() > 0 }) {
		return
	}
	c.looks = true
	time.AfterFunc(overdue, func() {
		var n news
		c.mu.Lock()
		c.looks = false
		c.schedule(&n)
		c.mu.Unlock()
		n.tell()
	})
}

// relieve takes back what lies in the sockets of processes that are late.
func (c *Crew) relieve(now time.Time, n *news) {
	for _, w := range c.workers {
		if w.behind() > 0 && now.Sub(w.began) >= overdue {
			c.queue = append(c.queue, w.recall(now, n)...)
		}
	}
}

// finished takes the account of a process.
func (c *Crew) finished(w *worker, d done) {
	var n news
	now := time.Now()
	c.mu.Lock()
	w.memory = d.memory
	ended, next := w.take(d.number, now)
	if ended != nil {
		c.pace.add(min(d.took, now.Sub(ended.since)))
		w.proven, c.failed = true, 0
		n.ended = append(n.ended, verdict{ended, outcome{done: d}})
	}
	if next != nil {
		c.began = now
		n.begun = append(n.begun, next)
	}
	if !w.over && c.memory > 0 && w.memory > c.memory {
		w.over = true
		c.queue = append(w.recall(now, &n), c.queue...)
	}
	if w.over && len(w.pipe) == 0 {
		_ = w.conn.CloseWrite() // an error: it has ended
	}
	c.schedule(&n)
	c.mu.Unlock()
	n.tell()
}

// buried removes a process that has ended; what it had not come to goes to others.
func (c *Crew) buried(w *worker, status syscall.WaitStatus) {
	var n news
	c.mu.Lock()
	defer func() { c.mu.Unlock(); n.tell() }()
	back := w.bury(status, &n)
	if !w.proven && len(n.ended) == 0 { // it ends before it comes to anything
		c.postpone(time.Now())
	}
	if i := slices.Index(c.workers, w); i >= 0 {
		c.workers = slices.Delete(c.workers, i, i+1)
		c.queue = append(back, c.queue...)
	} else {
		for _, j := range back {
			n.ended = append(n.ended, verdict{j, outcome{unstarted: true}})
		}
	}
	c.schedule(&n)
}

// Between processes that end before they come to a task there is a pause that doubles.
const firstStartPause, lastStartPause = 100 * time.Millisecond, 30 * time.Second

func (c *Crew) postpone(now time.Time) {
	pause := min(firstStartPause<<min(c.failed, 10), lastStartPause)
	c.failed++
	c.notBefore = now.Add(pause)
	time.AfterFunc(pause, func() {
		var n news
		c.mu.Lock()
		c.schedule(&n)
		c.mu.Unlock()
		n.tell()
	})
}
