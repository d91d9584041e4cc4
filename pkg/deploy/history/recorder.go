// Package history keeps what happens while a release is brought up, with the release. So
// who loses the control plane that did it can go on listening at another one, and what
// became of a release can be read later.
//
// Nothing waits for it: events are written beside the change, several at a time. A
// release has at most MaxEvents of them and MaxBytes; then a mark says that the rest is
// not kept, and only how it ended follows.
package history

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/panics"
	"fngen.dev/fngen/pkg/store"
)

const (
	// MaxEvents and MaxBytes bound what is kept of one release.
	MaxEvents = 2000
	MaxBytes  = 256 << 10
	// gather is how long events are gathered before they are written together.
	gather = 200 * time.Millisecond
	// retry is the wait after the store did not take them, patience for how long it is
	// tried after the end of the change.
	retry    = time.Second
	patience = 5 * time.Second
)

// Cut is the mark of what is not kept.
var Cut = api.Phase{Name: "history", Message: "the rest is not kept"}

// Store keeps events.
type Store interface {
	AddEvents(ctx context.Context, e store.Events) error
	Events(ctx context.Context, projectID int64, number, after int) ([]store.Events, error)
	ForgetEvents(ctx context.Context, projectID int64, number int) error
}

// Recorder keeps the events of one change. Its methods may be called at once.
type Recorder struct {
	store   Store
	log     *slog.Logger
	project int64

	mu sync.Mutex
	// pending are events that are not written, kept and size count all of the release.
	pending    [][]byte
	kept, size int
	cut        bool
	// number is the release, 0 before there is one; written the last event that is in the
	// store.
	number, written int
	// tried are how many of the pending ones were not taken when they were written last.
	tried int

	wake, stop, ended chan struct{}
}

// New keeps nothing until it is known for which release.
func New(st Store, log *slog.Logger, projectID int64) *Recorder {
	return &Recorder{store: st, log: log, project: projectID, wake: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{})}
}

// Begin keeps what came until now and what comes with a release that is new.
func (r *Recorder) Begin(ctx context.Context, number int) {
	r.begin(ctx, number, func(context.Context) error { return nil })
}

// BeginAnew is Begin for a release that is brought back: what was kept of it goes.
func (r *Recorder) BeginAnew(ctx context.Context, number int) {
	r.begin(ctx, number, func(ctx context.Context) error { return r.store.ForgetEvents(ctx, r.project, number) })
}

// GoOn is Begin for a release of which another change has events: it is undone.
func (r *Recorder) GoOn(ctx context.Context, number int) {
	r.begin(ctx, number, func(ctx context.Context) error {
		before, err := r.store.Events(ctx, r.project, number, 0)
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, e := range before {
			r.written = max(r.written, e.Last)
			r.size += len(e.Lines)
		}
		r.kept += r.written
		return err
	})
}

func (r *Recorder) begin(ctx context.Context, number int, first func(context.Context) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.number != 0 {
		return
	}
	r.number = number
	go r.run(ctx, first)
}

// Add keeps an event.
func (r *Recorder) Add(e api.Event) {
	line, err := json.Marshal(e)
	if err != nil {
		r.log.Error("encode event", slog.Any("error", err))
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if end := e.Done != nil || e.Failed != nil; !end && (r.kept >= MaxEvents || r.size+len(line) > MaxBytes) {
		if r.cut {
			return
		}
		r.cut = true
		line, _ = json.Marshal(api.Event{Time: e.Time, Release: e.Release, Phase: &Cut}) // plain data
	}
	r.pending = append(r.pending, line)
	r.kept++
	r.size += len(line) + 1
	select {
	case r.wake <- struct{}{}:
	default: // it is awake
	}
}

// End writes what is left, and returns when that is done or given up.
func (r *Recorder) End() {
	r.mu.Lock()
	begun := r.number != 0
	r.mu.Unlock()
	if begun {
		close(r.stop)
		<-r.ended
	}
}

// run writes until End.
func (r *Recorder) run(ctx context.Context, first func(context.Context) error) {
	defer close(r.ended)
	ready := false
	write := func(ctx context.Context) error {
		return panics.Do(func() error {
			if !ready {
				if err := first(ctx); err != nil {
					return err
				}
				ready = true
			}
			return r.write(ctx)
		})
	}
	for {
		select {
		case <-r.wake:
		case <-r.stop:
			r.last(ctx, write)
			return
		}
		wait := gather
		if err := r.within(ctx, write); err != nil {
			r.log.Debug("keep events", slog.Int("release", r.number), slog.Any("error", err))
			wait = retry
			select {
			case r.wake <- struct{}{}:
			default:
			}
		}
		select {
		case <-time.After(wait):
		case <-r.stop:
		}
	}
}

// last writes what is left. When the control plane ends, it is tried once.
func (r *Recorder) last(ctx context.Context, write func(context.Context) error) {
	for deadline := time.Now().Add(patience); ; {
		err := r.within(ctx, write)
		if err == nil {
			return
		}
		if ctx.Err() != nil || !time.Now().Before(deadline) {
			r.log.Warn("the end of a change is not kept", slog.Int64("project", r.project), slog.Int("release", r.number), slog.Any("error", err))
			return
		}
		time.Sleep(retry)
	}
}

// within gives one write its time, though the control plane may be ending.
func (r *Recorder) within(ctx context.Context, write func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return write(ctx)
}

// write writes what is pending as one row. What did not work is tried again as it was: it
// may be in the store, and only the answer was lost.
func (r *Recorder) write(ctx context.Context) error {
	r.mu.Lock()
	lines := r.pending
	if r.tried > 0 {
		lines = lines[:r.tried]
	}
	r.tried = len(lines)
	batch := store.Events{ProjectID: r.project, Number: r.number, First: r.written + 1, Last: r.written + len(lines), Lines: bytes.Join(lines, []byte("\n"))}
	r.mu.Unlock()
	if len(lines) == 0 {
		return nil
	}
	if err := r.store.AddEvents(ctx, batch); err != nil {
		return err
	}
	r.mu.Lock()
	r.pending, r.written, r.tried = r.pending[len(lines):], batch.Last, 0
	r.mu.Unlock()
	return r.write(ctx) // what has come meanwhile
}
