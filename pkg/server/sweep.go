package server

import (
	"context"
	"log/slog"
	"time"

	"fngen.dev/fngen/pkg/guard"
)

const (
	// unfinishedTime is how long an upload that broke off is kept.
	unfinishedTime = 24 * time.Hour
	sweepEvery     = time.Hour
)

// Sweep removes what uploads have begun and left, now and then until ctx ends.
func (s *Server) Sweep(ctx context.Context) {
	busy := func(scope, id string) bool { return s.intakes.taken(partOf(scope, id)) }
	sweep := func() error { return s.Blobs.Sweep(time.Now().Add(-unfinishedTime), busy) }
	for {
		if err := guard.Do(sweep); err != nil {
			s.Log.LogAttrs(ctx, slog.LevelError, "sweep uploads", faultAttrs(err)...)
		}
		select {
		case <-time.After(sweepEvery):
		case <-ctx.Done():
			return
		}
	}
}
