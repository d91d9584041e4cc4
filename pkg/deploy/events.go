package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/history"
	"fngen.dev/fngen/pkg/store"
)

const (
	// eventsInterval is how often it is looked for more events of a release that another
	// control plane may be bringing up.
	eventsInterval = 500 * time.Millisecond
	// lastEventTime is for how long the last event may be on its way to the store when the
	// release is at its end. After it the state of the release says how it ended.
	lastEventTime = 10 * time.Second
)

// told tells events to who listens, to the project's log and to the history of the
// release, one after the other.
func (c *change) told(listener func(api.Event)) func(api.Event) {
	var mu sync.Mutex
	var before time.Time
	last := ""
	return func(e api.Event) {
		mu.Lock()
		defer mu.Unlock()
		e.Time, e.Release = time.Now().UTC(), c.release.Number
		if !e.Time.After(before) { // who goes on elsewhere knows by it what was told
			e.Time = before.Add(1)
		}
		before = e.Time
		c.noted(&last, e)
		listener(e)
		// One that ends since the control plane does goes on elsewhere.
		if e.Failed == nil || c.closing.Err() == nil {
			c.history.Add(e)
		}
	}
}

// alsoTold keeps what is done to undo a release with that release, until end.
func (c *change) alsoTold(r store.Release) (end func()) {
	kept, before := history.New(c.store, c.log, c.project.ID), c.Emit
	kept.GoOn(c.closing, r.Number)
	c.Emit = func(e api.Event) {
		before(e)
		e.Time, e.Release = time.Now().UTC(), r.Number
		kept.Add(e)
	}
	return func() {
		c.Emit = before
		kept.End()
	}
}

// Events tells what happened while a release was brought up last; when it follows, also
// what happens now, whichever control plane does it, until how it ended. The channel is
// closed after that, or when ctx ends.
func (s *Service) Events(ctx context.Context, p store.Project, number int, follow bool) (<-chan api.Event, error) {
	if _, err := s.store.Release(ctx, p.ID, number); errors.Is(err, store.ErrNotFound) {
		return nil, api.NewProblem(api.NotFound, "project %q has no release %d", p.Name, number).WithHelp("fngen releases %s lists them", p.Name)
	} else if err != nil {
		return nil, fmt.Errorf("read release %d: %w", number, err)
	}
	f := follower{Service: s, project: p, number: number, events: make(chan api.Event)}
	s.changes.Go(func() {
		defer close(f.events)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(s.closing, cancel)()
		for err := f.look(ctx); follow && !f.ended && ctx.Err() == nil; err = f.look(ctx) {
			if err != nil {
				s.log.Debug("read the events of a release", slog.Any("error", err))
			}
			pause(ctx, eventsInterval)
		}
		if !f.ended && ctx.Err() == nil {
			f.conclude(ctx)
		}
	})
	return f.events, nil
}

// follower is at one place in the events of a release.
type follower struct {
	*Service
	project store.Project
	number  int
	events  chan api.Event
	last    int
	// told is when the last event was, settled since when the release is at its end.
	told, settled time.Time
	ended         bool
}

// look tells what there is that was not told.
func (f *follower) look(ctx context.Context) error {
	release, err := f.store.Release(ctx, f.project.ID, f.number)
	if err != nil {
		return err
	}
	events, last, err := history.Read(ctx, f.store, f.project.ID, f.number, f.last)
	if err != nil {
		return err
	}
	for _, e := range events {
		f.tell(ctx, e)
	}
	f.last = last
	switch {
	case release.State == store.Pending || release.State == store.Interrupted:
		f.settled = time.Time{}
	case f.settled.IsZero() || len(events) > 0:
		f.settled = time.Now()
	case time.Since(f.settled) >= lastEventTime && !f.ended:
		f.conclude(ctx)
	}
	return nil
}

func (f *follower) tell(ctx context.Context, e api.Event) {
	select {
	case f.events <- e:
	case <-ctx.Done():
	}
	f.ended = f.ended || e.Done != nil || e.Failed != nil
	if e.Time.After(f.told) {
		f.told = e.Time
	}
}

// conclude tells how a release ended whose last event nobody could keep. It tells nothing
// of one that is still under way.
func (f *follower) conclude(ctx context.Context) {
	r, err := f.store.Release(ctx, f.project.ID, f.number)
	if err != nil {
		return
	}
	e := api.Event{Time: time.Now().UTC(), Release: r.Number}
	if !e.Time.After(f.told) { // the clock of another control plane
		e.Time = f.told.Add(1)
	}
	switch r.State {
	case store.Pending, store.Interrupted:
		return
	case store.Live:
		project, err := decodeIR(r)
		if err != nil {
			f.log.Error("read the live release", slog.Any("error", err))
			return
		}
		e.Done = &api.PushResult{Project: f.project.Name, Release: r.Number, Changed: true, Functions: functionResults(project, f.cfg.Cluster)}
	default:
		why, _, _ := strings.Cut(r.Reason, "\n")
		e.Failed = api.NewProblem(api.Failed, "release %d of %s is not live: %s", r.Number, f.project.Name, cmp.Or(why, "it is "+string(r.State))).
			WithHelp("what runs now: fngen status %s", f.project.Name)
	}
	f.tell(ctx, e)
}
