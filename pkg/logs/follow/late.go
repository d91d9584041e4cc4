package follow

import (
	"context"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/logs"
)

// noteSlack is how much earlier a note may say that it was made than it is found: it is
// on its way to Loki meanwhile, and clocks of control planes differ a little.
const noteSlack = 20 * time.Second

// lateNotes are the notes of entries that came late, as far as one follower knows them.
type lateNotes struct {
	// since is from when on notes are looked for, done are those of then that are known.
	since time.Time
	done  map[logs.Late]bool
	// looked says that it was looked for notes.
	looked bool
	// waiting are notes of which not all lines have been read.
	waiting []logs.Late
}

// skip takes the notes that are there for known: the history has what they tell of.
func (l *lateNotes) skip(ctx context.Context, f *Follower) error {
	for all := false; !all; {
		notes, whole, err := f.find.Late(ctx, f.tenant, l.since, f.now().Add(Ahead))
		if err != nil {
			return err
		}
		for _, n := range notes {
			l.done[n] = true
		}
		if all = whole; !all {
			l.since = notes[len(notes)-1].Noted
		}
	}
	return nil
}

// lateLines are lines that came long after they were written. A piece of them is read at
// a time.
func (f *Follower) lateLines(ctx context.Context) ([]api.LogLine, error) {
	if len(f.late.waiting) == 0 {
		if err := f.late.find(ctx, f); err != nil || len(f.late.waiting) == 0 {
			return nil, err
		}
	}
	n := &f.late.waiting[0]
	if f.q.Limit > 0 {
		n.From = later(n.From, f.q.Since) // what one that goes on says is not the person's
	}
	lines, all, err := f.find.LateLines(ctx, f.tenant, f.q, *n)
	if err != nil {
		return nil, err
	}
	if all {
		f.late.waiting = f.late.waiting[1:]
	} else {
		n.From = lines[len(lines)-1].Time
	}
	return f.unknown(lines), nil
}

// find looks for notes. What an agent sends at last comes in many batches, each with its
// note: those of one instance become one, unless there is much time between them.
func (l *lateNotes) find(ctx context.Context, f *Follower) error {
	now := f.now().Round(0)
	notes, all, err := f.find.Late(ctx, f.tenant, l.since, now.Add(Ahead))
	if err != nil {
		return err
	}
	l.looked = true
	for _, n := range notes {
		if !l.done[n] {
			l.done[n] = true
			l.wait(n)
		}
	}
	if all {
		l.since = later(l.since, now.Add(-noteSlack))
	} else {
		l.since = notes[len(notes)-1].Noted
	}
	for n := range l.done {
		if n.Noted.Before(l.since) {
			delete(l.done, n)
		}
	}
	return nil
}

func (l *lateNotes) wait(n logs.Late) {
	for i, w := range l.waiting {
		if w.Instance == n.Instance && n.From.Before(w.To.Add(logs.LateAfter)) && w.From.Before(n.To.Add(logs.LateAfter)) {
			if n.From.Before(w.From) {
				l.waiting[i].From = n.From
			}
			l.waiting[i].To = later(w.To, n.To)
			return
		}
	}
	l.waiting = append(l.waiting, n)
}
