package server

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// Patterns are the routes of people.
func (s *Server) Patterns() []string { return s.guarded.Patterns() }

// AddRoute adds a route of people.
func (s *Server) AddRoute(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	s.guarded.HandleFunc(pattern, handler)
}

// Sends is how many places of those who send to agents are taken.
func (s *Server) Sends() int { return s.sends.Taken() }

// StartWith is Start with limits of time that are short. Nothing of it waits at the end.
func StartWith(ctx context.Context, s *Server, log *slog.Logger, header, request, idle time.Duration) (*Listener, error) {
	return start(ctx, "127.0.0.1:0", s, log, limits{header: header, request: request, idle: idle})
}

// Cut ends a listener and its connections.
func (l *Listener) Cut() { _ = l.http.Close() }
