// Package logstest keeps logs in memory, for tests of what stores and finds lines.
package logstest

import (
	"context"
	"slices"
	"sync"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/logs"
)

// Shelf keeps logs in memory, as far as the server knows of it. pkg/logs asks a real
// Loki.
type Shelf struct {
	mu    sync.Mutex
	Lines map[string][]api.LogLine // by tenant
	Away  bool
	Notes []logs.Late
	// Rejects is how many of each batch are not taken.
	Rejects int
	Most    int      // of one answer, 0 for any
	Kept    []string // tenants of what was kept for later
	Told    []string
}

func (b *Shelf) Push(_ context.Context, tenant string, from logs.Origin, entries []api.LogEntry) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Away {
		return 0, logs.ErrAway
	}
	for _, e := range entries {
		b.Lines[tenant] = append(b.Lines[tenant], api.LogLine{
			Time: time.Unix(0, e.Time).UTC(), Level: e.Level, Stream: e.Stream, Message: e.Message, RequestID: e.RequestID, TaskID: e.TaskID,
			Power: from.Power, Function: from.Function, Server: from.Server, Instance: from.Instance,
		})
	}
	return b.Rejects, nil
}

func (b *Shelf) Range(_ context.Context, tenant string, _ api.LogQuery, begin, end time.Time) ([]api.LogLine, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Away {
		return nil, false, logs.ErrAway
	}
	var out []api.LogLine
	for _, l := range b.Lines[tenant] {
		if !l.Time.Before(begin) && l.Time.Before(end) {
			out = append(out, l)
		}
	}
	slices.SortStableFunc(out, func(x, y api.LogLine) int { return x.Time.Compare(y.Time) })
	if b.Most > 0 && len(out) > b.Most {
		return out[:b.Most], false, nil
	}
	return out, true, nil
}

func (b *Shelf) Late(_ context.Context, _ string, begin, end time.Time) (out []logs.Late, all bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Away {
		return nil, false, logs.ErrAway
	}
	for _, n := range b.Notes {
		if !n.Noted.Before(begin) && n.Noted.Before(end) {
			out = append(out, n)
		}
	}
	return out, true, nil
}

func (b *Shelf) LateLines(ctx context.Context, tenant string, q api.LogQuery, n logs.Late) ([]api.LogLine, bool, error) {
	lines, all, err := b.Range(ctx, tenant, q, n.From, n.To.Add(1))
	return slices.DeleteFunc(lines, func(l api.LogLine) bool { return l.Instance != n.Instance }), all, err
}

func (b *Shelf) History(ctx context.Context, tenant string, q api.LogQuery) ([]api.LogLine, error) {
	out, _, err := b.Range(ctx, tenant, q, q.Since, q.Until)
	return out[max(0, len(out)-q.Limit):], err
}

func (b *Shelf) Keep(tenant string, _ logs.Origin, _ []api.LogEntry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Kept = append(b.Kept, tenant)
	return nil
}

func (b *Shelf) Say(_ string, _ logs.Origin, _, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Told = append(b.Told, text)
}

// New is an empty one.
func New() *Shelf { return &Shelf{Lines: map[string][]api.LogLine{}} }

// Add adds a line as if it had come.
func (b *Shelf) Add(tenant string, line api.LogLine) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Lines[tenant] = append(b.Lines[tenant], line)
}
