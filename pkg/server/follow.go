package server

import (
	"context"
	"slices"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/logs"
)

const (
	followPause = 400 * time.Millisecond
	// near is how far back each look for new lines goes: agents send theirs a little
	// later than they are written, and not all at once.
	near = 3 * time.Second
	// far is how far back every few looks go, for what was held up on its way.
	far, farEvery = 30 * time.Second, 8
	// caughtUp is how long after a fault lines of its time may still come.
	caughtUp = 2 * time.Minute
	// patient is how long a follower waits for a store that is away.
	patient = 30 * time.Second
)

// follower finds the lines that come, each once. It looks at times that it has seen
// already, since lines are late by different times, and drops those that it knows.
type follower struct {
	find   Finder
	tenant string
	q      api.LogQuery
	now    func() time.Time

	seen  map[logs.Key]time.Time
	polls int
	// floor is the earliest that is looked at; whole is until when all from there is.
	floor, whole time.Time
	// fine is when a look last worked.
	fine time.Time
	// rest is from where on there is more than the last look could hold, or zero.
	rest time.Time
}

// newFollower goes on after the lines that were told.
func newFollower(find Finder, tenant string, q api.LogQuery, told []api.LogLine, now func() time.Time) *follower {
	begin := now()
	f := &follower{find: find, tenant: tenant, q: q, now: now, seen: map[logs.Key]time.Time{}, floor: begin.Add(-far), fine: begin}
	for _, line := range told {
		f.seen[logs.KeyOf(line)] = line.Time
	}
	switch {
	case q.Limit == 0:
		// One that goes on: it says from when, and knows itself what it has.
		f.floor, f.whole = q.Since, begin.Add(caughtUp)
	case len(told) >= q.Limit:
		// What is older was left out on purpose.
		f.floor = later(f.floor, told[0].Time)
	}
	f.floor = later(f.floor, q.Since)
	return f
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// poll are the lines that are new.
func (f *follower) poll(ctx context.Context) ([]api.LogLine, error) {
	now := f.now()
	begin := now.Add(-near)
	if f.polls%farEvery == 0 {
		begin = now.Add(-far)
	}
	if now.Before(f.whole) && f.polls%farEvery == 0 {
		begin = f.floor
	}
	begin = later(begin, f.floor)
	if !f.rest.IsZero() {
		begin = f.rest
	}
	lines, all, err := f.find.Range(ctx, f.tenant, f.q, begin, now.Add(time.Minute))
	if err != nil {
		f.floor = later(f.floor, f.fine.Add(-far))
		f.whole = now.Add(caughtUp)
		return nil, err
	}
	f.polls, f.fine, f.rest = f.polls+1, now, time.Time{}
	if !all {
		f.rest = lines[len(lines)-1].Time
	}
	lines = slices.DeleteFunc(lines, func(line api.LogLine) bool {
		k := logs.KeyOf(line)
		_, known := f.seen[k]
		f.seen[k] = line.Time
		return known
	})
	f.forget(now)
	return lines, nil
}

// forget drops the keys of lines that are not looked at any more.
func (f *follower) forget(now time.Time) {
	if now.Before(f.whole) || f.polls%farEvery != 0 {
		return
	}
	f.floor = later(f.floor, now.Add(-2*far))
	for k, t := range f.seen {
		if t.Before(f.floor) {
			delete(f.seen, k)
		}
	}
}

// away says that nothing has worked for a while.
func (f *follower) away() bool { return f.now().Sub(f.fine) > patient }
