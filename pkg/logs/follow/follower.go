// Package follow finds the lines of a log that come, each once, whatever becomes of them
// on their way.
package follow

import (
	"context"
	"slices"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/logs"
)

const (
	// Pause is what to wait between two polls.
	Pause = 400 * time.Millisecond
	// near is how far back each look for new lines goes: agents send theirs a little
	// later than they are written, and not all at once.
	near = 3 * time.Second
	// far is how far back every few looks go. Entries that come later than
	// logs.LateAfter are noted, and far is well above that.
	far, farEvery = 30 * time.Second, 8
	// Ahead is how far ahead an agent's clock may be, toldFor for how long it is known that
	// a line was told: an agent that got no answer sends it again.
	Ahead, toldFor = time.Minute, 2 * time.Minute
	// patient is how long a follower waits for a store that is away.
	patient = 30 * time.Second
)

// Finder finds lines of logs. *logs.Loki does.
type Finder interface {
	// History are the newest lines, the oldest first.
	History(ctx context.Context, tenant string, q api.LogQuery) ([]api.LogLine, error)
	// Range are the lines of a time, the oldest first: all, or as many as it may be.
	Range(ctx context.Context, tenant string, q api.LogQuery, begin, end time.Time) (lines []api.LogLine, all bool, err error)
	// Late are notes of lines that came long after they were written, and LateLines the
	// lines of one, as Range has them.
	Late(ctx context.Context, tenant string, begin, end time.Time) (notes []logs.Late, all bool, err error)
	LateLines(ctx context.Context, tenant string, q api.LogQuery, n logs.Late) (lines []api.LogLine, all bool, err error)
}

// Follower finds the lines that come, each once, whatever becomes of them on their way.
//
// Each look begins a little before the last one that found all, and every few looks
// begin well before the last one of their kind: what Loki gets soon after it was written
// is in one of them, however long a look takes or its reader keeps it waiting. What Loki
// gets later is noted there (lateLines). Lines that were told are known by their keys.
type Follower struct {
	find   Finder
	tenant string
	q      api.LogQuery
	now    func() time.Time

	// seen says until when a line may be told again, in nanoseconds.
	seen  map[api.LogKey]int64
	polls int
	// floor is the earliest that is looked at.
	floor time.Time
	// looked and wide are when the last look and the last of those that go far began.
	looked, wide time.Time
	// begun is when the look under way began, rest from where on there is more than it
	// could hold, or zero.
	begun, rest time.Time
	// fine is when a look last worked.
	fine time.Time
	late lateNotes
}

// Start finds out what is there, and then the lines with which to begin: what is
// in neither has come since.
func Start(ctx context.Context, find Finder, tenant string, q api.LogQuery, now func() time.Time) (f *Follower, history []api.LogLine, err error) {
	begin := now().Round(0) // what lines have are times of the wall
	f = &Follower{
		find: find, tenant: tenant, q: q, now: now, seen: map[api.LogKey]int64{}, floor: q.Since, looked: begin, wide: begin, fine: begin,
		late: lateNotes{since: begin.Add(-noteSlack), done: map[logs.Late]bool{}},
	}
	if q.Limit == 0 {
		// One that goes on: it says from when, and knows itself what it has.
		f.looked, f.wide, f.late.since = q.Since, q.Since.Add(far), q.Since.Add(-noteSlack)
		return f, nil, nil
	}
	if err := f.late.skip(ctx, f); err != nil {
		return nil, nil, err
	}
	there, all, err := find.Range(ctx, tenant, q, later(begin.Add(-far), q.Since), begin.Add(Ahead))
	if err != nil {
		return nil, nil, err
	}
	if history, err = find.History(ctx, tenant, q); err != nil {
		return nil, nil, err
	}
	f.unknown(there)
	f.unknown(history)
	if !all && len(history) >= q.Limit {
		// What is older was left out on purpose, and is too much to know it.
		f.floor = later(f.floor, history[0].Time)
	}
	return f, history, nil
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// Poll are the lines that are new.
func (f *Follower) Poll(ctx context.Context) ([]api.LogLine, error) {
	lines, err := f.look(ctx)
	if err != nil {
		return nil, err
	}
	f.fine = f.now()
	if f.polls%farEvery != 0 && len(f.late.waiting) == 0 {
		return lines, nil
	}
	late, err := f.lateLines(ctx)
	return append(late, lines...), err
}

// look looks at the times that are new, or goes on where there is more of them.
func (f *Follower) look(ctx context.Context) ([]api.LogLine, error) {
	begin, goesFar := f.rest, f.polls%farEvery == 0
	if begin.IsZero() {
		f.begun = f.now().Round(0)
		begin = f.looked.Add(-near)
		if goesFar {
			begin = f.wide.Add(-far)
		}
		// The clock may have been set back.
		if least := f.begun.Add(-near); least.Before(begin) {
			begin = least
		}
		begin = later(begin, f.floor)
	}
	lines, all, err := f.find.Range(ctx, f.tenant, f.q, begin, f.now().Add(Ahead))
	if err != nil {
		return nil, err
	}
	news := f.unknown(lines)
	if !all {
		f.rest = lines[len(lines)-1].Time
		return news, nil
	}
	f.rest, f.looked, f.polls = time.Time{}, f.begun, f.polls+1
	if goesFar {
		f.wide = f.begun
		f.forget()
	}
	return news, nil
}

// unknown are those lines that were not told, and are now.
func (f *Follower) unknown(lines []api.LogLine) []api.LogLine {
	until := f.now().Add(toldFor).UnixNano()
	return slices.DeleteFunc(slices.Clone(lines), func(line api.LogLine) bool {
		k := api.KeyOf(line)
		_, told := f.seen[k]
		if !told {
			f.seen[k] = max(until, line.Time.Add(toldFor).UnixNano())
		}
		return told
	})
}

// forget drops the keys of lines that are not looked at any more.
func (f *Follower) forget() {
	oldest := f.wide.UnixNano()
	for k, until := range f.seen {
		if until < oldest {
			delete(f.seen, k)
		}
	}
}

// Away says that nothing has worked for a while.
func (f *Follower) Away() bool { return f.now().Sub(f.fine) > patient }

// Current says that all has been told that there is.
func (f *Follower) Current() bool {
	return f.late.looked && f.rest.IsZero() && len(f.late.waiting) == 0 && f.now().Sub(f.fine) < near
}
