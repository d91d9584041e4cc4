package logs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/spool"
)

const (
	// relayLimit is the most that waits on the control plane's disk.
	relayLimit = 256 << 20
	relayBatch = 1 << 20
	relayPause = time.Second
	longPause  = 15 * time.Second
)

// Relay keeps entries on the control plane's disk until Loki has them: those of the
// platform itself, and the last ones of agents that cannot wait for Loki.
type Relay struct {
	loki  *Loki
	spool *spool.Spool
	log   *slog.Logger
	now   func() time.Time

	mu   sync.Mutex
	last int64 // the time of the newest entry of the platform
}

// kept is one batch of one origin.
type kept struct {
	Tenant  string         `json:"tenant"`
	Origin  Origin         `json:"origin"`
	Entries []api.LogEntry `json:"entries"`
}

// OpenRelay opens the one in a directory.
func OpenRelay(dir string, loki *Loki, log *slog.Logger) (*Relay, error) {
	s, err := spool.Open(dir, relayLimit)
	if err != nil {
		return nil, err
	}
	return &Relay{loki: loki, spool: s, log: log, now: time.Now}, nil
}

// Keep takes entries, to be stored when that is possible.
func (r *Relay) Keep(tenant string, from Origin, entries []api.LogEntry) error {
	record, err := json.Marshal(kept{tenant, from, entries})
	if err != nil {
		return err
	}
	if len(record) > spool.MaxRecord && len(entries) > 1 {
		half := len(entries) / 2
		return errors.Join(r.Keep(tenant, from, entries[:half]), r.Keep(tenant, from, entries[half:]))
	}
	n, err := r.spool.Append(record)
	if err != nil {
		return fmt.Errorf("keep log: %w", err)
	}
	if n == 0 {
		return fmt.Errorf("keep log: %d MB wait already: %w", relayLimit>>20, ErrAway)
	}
	return nil
}

// Say takes a line of the platform's own.
func (r *Relay) Say(tenant string, from Origin, level, text string) {
	r.SayOf(tenant, from, r.stamp(), level, text)
}

// SayOf takes a line of what was at a time, in nanoseconds.
func (r *Relay) SayOf(tenant string, from Origin, at int64, level, text string) {
	from.Power = PowerPlatform
	e := api.LogEntry{Time: at, Stream: "stderr", Level: level, Message: text, Platform: true}
	if err := r.Keep(tenant, from, []api.LogEntry{e}); err != nil {
		r.log.Warn("a line of a project's log is lost", slog.String("tenant", tenant), slog.Any("error", err))
	}
}

// stamp is the time, and never the same twice.
func (r *Relay) stamp() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = max(r.last+1, r.now().UnixNano())
	return r.last
}

// Run stores what is kept, until ctx ends.
func (r *Relay) Run(ctx context.Context) {
	for pause := time.Duration(0); ctx.Err() == nil; {
		switch err := r.pass(ctx); {
		case err == nil:
			pause = 0
		case ctx.Err() == nil:
			pause = min(max(2*pause, relayPause), longPause)
			r.log.Warn("logs wait for Loki", slog.Int64("bytes", r.spool.Size()), slog.Any("error", err))
		}
		if pause == 0 && r.spool.Size() > 0 {
			continue
		}
		timer := time.NewTimer(max(pause, relayPause))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-r.changed(pause):
		}
		timer.Stop()
	}
}

// changed is told of new entries, but not in a pause.
func (r *Relay) changed(pause time.Duration) <-chan struct{} {
	if pause > 0 {
		return nil
	}
	return r.spool.Changed()
}

// pass stores a batch.
func (r *Relay) pass(ctx context.Context) error {
	records, mark, err := r.spool.Next(relayBatch)
	if err != nil || len(records) == 0 {
		return err
	}
	for _, record := range records {
		var k kept
		if err := json.Unmarshal(record, &k); err != nil {
			r.log.Error("read kept log", slog.Any("error", err))
			continue
		}
		if _, err := r.loki.Push(ctx, k.Tenant, k.Origin, k.Entries); err != nil {
			return err
		}
	}
	r.spool.Done(mark)
	return nil
}

// Close ends keeping. What is kept stays.
func (r *Relay) Close() error { return r.spool.Close() }
