package dispatch

import (
	"errors"
	"log/slog"
	"time"
)

const (
	// pruneEvery is how often it is looked what is kept no longer.
	pruneEvery = time.Hour
	// payloadGrace is how old a payload is at least that goes since no task has it: the
	// row of its task follows it.
	payloadGrace = time.Hour
)

// prune removes what is kept no longer, now and then until the end.
func (s *Service) prune() {
	for {
		n, err := s.Ledger.Prune(s.ctx)
		payloads, sweeping := s.Payloads.Sweep(time.Now().Add(-payloadGrace), func(projectID int64, id string) (bool, error) {
			return s.Ledger.NeedsPayload(s.ctx, projectID, id)
		})
		if err = errors.Join(err, sweeping); err != nil && s.ctx.Err() == nil {
			s.Log.LogAttrs(s.ctx, slog.LevelWarn, "tasks are not pruned", slog.Any("error", err))
		}
		if n+payloads > 0 {
			s.Log.LogAttrs(s.ctx, slog.LevelInfo, "tasks pruned", slog.Int("count", n), slog.Int("payloads", payloads))
		}
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(pruneEvery):
		}
	}
}
