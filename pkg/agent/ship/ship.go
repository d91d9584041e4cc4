// Package ship brings log entries from an agent to the platform, however long that
// takes: they wait on the disk, and leave it when the platform has them.
//
//	Take -> spool -> batch -> send -> done
//
// The spool is bounded. While it is full and entries leave it, whoever brings one waits:
// the program is slowed down to what can be sent. While none leave it, since the
// platform is away, the oldest are dropped. Both are counted and told, in the log itself.
package ship

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"fngen.dev/fngen/pkg/agent/capture"
	"fngen.dev/fngen/pkg/spool"
)

const (
	// linger is how long more entries are waited for, so that many go at once.
	linger = 100 * time.Millisecond
	// batchSize is about how large a batch is, in bytes, and largeBatch one while more than
	// that waits: each costs a round trip.
	batchSize, largeBatch = 256 << 10, 1 << 20
	// away is for how long nothing can be sent until the oldest entries are dropped.
	away = 10 * time.Second
	// quiet is for how long what is told of a program that is held back is not told again.
	quiet      = time.Minute
	firstPause = 200 * time.Millisecond
	longPause  = 10 * time.Second
)

// ErrRefused marks that the platform wants no entries of this agent, now.
var ErrRefused = errors.New("refused")

// ErrUnfit marks that it will never take this batch.
var ErrUnfit = errors.New("unfit")

// Send brings a batch to the platform and returns how many of it were not kept. last says
// that there is no time to try again later.
type Send func(ctx context.Context, batch [][]byte, last bool) (dropped int, err error)

// Shipper sends what it is given.
type Shipper struct {
	spool *spool.Spool
	send  Send
	clock *capture.Clock
	now   func() time.Time

	mu sync.Mutex
	// sent is when a batch last went, room is closed when the next one does.
	sent time.Time
	room chan struct{}
	// lost and held are what is to be told.
	lost int
	held time.Duration
	// heldSince is when what held has begun, heldTold when it was last told.
	heldSince, heldTold time.Time
	// report is what was begun to be told.
	report report
	// waiting is how many bring an entry and wait.
	waiting int

	// taking is held while entries are taken, which are made records.
	taking  sync.Mutex
	encoded []byte
	ends    []int
	records [][]byte

	cancel context.CancelFunc
	ending chan struct{}
	done   chan struct{}
}

// Start begins to send what is in the spool and what is added to it.
func Start(s *spool.Spool, clock *capture.Clock, send Send) *Shipper {
	ctx, cancel := context.WithCancel(context.Background()) // ends with Stop
	p := &Shipper{
		spool: s, send: send, clock: clock, now: time.Now, sent: time.Now(),
		room: make(chan struct{}), cancel: cancel, ending: make(chan struct{}), done: make(chan struct{}),
	}
	go func() {
		defer close(p.done)
		p.run(ctx)
	}()
	return p
}

// Stop sends what is left, as long as that goes on, and at most for a time. What is
// still there then stays in the spool.
func (p *Shipper) Stop(patience time.Duration) {
	close(p.ending)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
	}
	p.cancel()
	<-p.done
}

// Take adds entries. It waits while there is no room and room is being made.
func (p *Shipper) Take(entries ...capture.Entry) {
	p.taking.Lock()
	defer p.taking.Unlock()
	for records := p.encode(entries); len(records) > 0; {
		n, err := p.spool.Append(records...)
		records = records[n:]
		if err != nil {
			p.lose(1) // the disk is full, or worse
			records = records[1:]
			continue
		}
		if len(records) == 0 || p.wait() {
			continue
		}
		n = p.spool.DropOldest()
		p.lose(max(n, 1))
		if n == 0 {
			records = records[1:]
		}
	}
}

// encode makes records of entries, in memory that the next use has again.
func (p *Shipper) encode(entries []capture.Entry) [][]byte {
	p.encoded, p.ends, p.records = p.encoded[:0], p.ends[:0], p.records[:0]
	for _, e := range entries {
		p.encoded = capture.Encode(p.encoded, e)
		p.ends = append(p.ends, len(p.encoded))
	}
	begin := 0
	for _, end := range p.ends {
		p.records = append(p.records, p.encoded[begin:end])
		begin = end
	}
	return p.records
}

// wait waits for room, and says whether it is worth to try again.
func (p *Shipper) wait() bool {
	p.mu.Lock()
	room, left := p.room, away-p.now().Sub(p.sent)
	if left > 0 {
		p.waiting++
	}
	p.mu.Unlock()
	if left <= 0 {
		return false
	}
	begin := p.now()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.waiting--
		if p.held == 0 {
			p.heldSince = begin
		}
		p.held += p.now().Sub(begin)
	}()
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-room:
	case <-timer.C:
	case <-p.done:
		return false
	}
	return true
}

func (p *Shipper) lose(n int) {
	p.mu.Lock()
	p.lost += n
	p.mu.Unlock()
}

// run sends batch after batch.
func (p *Shipper) run(ctx context.Context) {
	for pause := time.Duration(0); ; {
		if !p.await(ctx, pause) {
			return
		}
		err := p.batch(ctx)
		switch {
		case err == nil:
			pause = 0
		case ctx.Err() != nil || errors.Is(err, ErrRefused) && p.isEnding():
			return
		default:
			pause = min(max(2*pause, firstPause), longPause)
			pause += rand.N(pause / 4)
		}
	}
}

// await waits until there is something to send, after a pause, and is false when there
// is nothing more to come.
func (p *Shipper) await(ctx context.Context, pause time.Duration) bool {
	if pause > 0 {
		if p.isEnding() {
			pause = firstPause
		}
		return sleep(ctx, pause, p.whileNotEnding(pause))
	}
	if p.spool.Size() > 0 {
		return sleep(ctx, lingerFor(p.spool.Size()), p.ending)
	}
	if p.isEnding() {
		return p.hasToTell()
	}
	select {
	case <-p.spool.Changed():
		return sleep(ctx, lingerFor(p.spool.Size()), p.ending)
	case <-p.ending:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// whileNotEnding cuts a long pause short when there is no time for it.
func (p *Shipper) whileNotEnding(pause time.Duration) <-chan struct{} {
	if pause > firstPause {
		return p.ending
	}
	return nil
}

func lingerFor(size int64) time.Duration {
	if size >= batchSize {
		return 0
	}
	return linger
}

func sleep(ctx context.Context, d time.Duration, cut <-chan struct{}) bool {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-cut:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

func (p *Shipper) isEnding() bool {
	select {
	case <-p.ending:
		return true
	default:
		return false
	}
}

// batch sends the oldest entries, and what there is to tell.
func (p *Shipper) batch(ctx context.Context) error {
	told := p.tell()
	size := int64(batchSize)
	if p.spool.Size() > largeBatch {
		size = largeBatch
	}
	records, mark, err := p.spool.Next(size)
	if err != nil || len(records)+len(told.records) == 0 {
		return err
	}
	_, err = p.send(ctx, slices.Concat(records, told.records), p.isEnding())
	if err != nil && !errors.Is(err, ErrUnfit) {
		return err
	}
	if len(records) > 0 {
		p.spool.Done(mark)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.report = report{}
	if err == nil || len(records) == 0 { // what is told is not told of
		p.lost, p.held = p.lost-told.lost, max(0, p.held-told.held)
		if told.held > 0 {
			p.heldSince, p.heldTold = told.at, told.at
		}
	} else {
		p.lost += len(records)
	}
	p.sent = p.now()
	close(p.room)
	p.room = make(chan struct{})
	return nil
}

// report are entries that say what was lost and how long the program was held back. They
// go with a batch and not into the spool, where they could be dropped as well, and stay
// the same until they are sent.
type report struct {
	records [][]byte
	lost    int
	held    time.Duration
	at      time.Time
}

// tell is what there is to tell. A program that is held back writes without an end, so
// that is told at most once in a while, and what is left of it at the end.
func (p *Shipper) tell() report {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.report.records) > 0 {
		return p.report
	}
	now := p.now()
	if p.lost > 0 {
		p.report.add(p.clock, fmt.Sprintf("%d entries of the log were lost: they could not be sent, and there was no room to keep them", p.lost))
		p.report.lost = p.lost
	}
	if held := p.heldFor(); held > 0 && (now.Sub(p.heldTold) >= quiet || p.isLast()) {
		within := (max(now.Sub(p.heldSince), held) + time.Second - 1).Truncate(time.Second)
		p.report.add(p.clock, fmt.Sprintf("the program was held back for %s of the last %s: it writes to its log faster than that can be sent", held, within))
		p.report.held, p.report.at = held, now
	}
	return p.report
}

func (p *Shipper) hasToTell() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost > 0 || p.heldFor() > 0
}

func (p *Shipper) heldFor() time.Duration { return p.held.Round(10 * time.Millisecond) }

// isLast says that nothing is left to send but what is told.
func (p *Shipper) isLast() bool { return p.isEnding() && p.spool.Size() == 0 }

func (r *report) add(clock *capture.Clock, text string) {
	e := capture.Entry{Time: clock.Next(), Stream: capture.Stderr, Level: capture.Warning, Message: text, Platform: true}
	r.records = append(r.records, capture.Encode(nil, e))
}
