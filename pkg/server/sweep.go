package server

import (
	"context"
	"log/slog"
	"time"
)

const (
	// unfinishedTime is how long an upload that broke off is kept.
	unfinishedTime = 24 * time.Hour
	sweepEvery     = time.Hour
)

// Sweep removes what uploads have begun and left, now and then until ctx ends.
func (s *Server) Sweep(ctx context.Context) {
	busy := func(scope, id string) bool { return s.intakes.taken(partOf(scope, id)) }
	for {
		if err := s.Blobs.Sweep(time.Now().Add(-unfinishedTime), busy); err != nil {
			s.Log.LogAttrs(ctx, slog.LevelError, "sweep uploads", slog.Any("error", err))
		}
		select {
		case <-time.After(sweepEvery):
		case <-ctx.Done():
			return
		}
	}
}
