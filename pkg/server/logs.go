package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/logs"
)

// Logs keeps the logs of projects. *logs.Loki does.
type Logs interface {
	// Push stores entries and returns how many of them it would not take.
	Push(ctx context.Context, tenant string, from logs.Origin, entries []api.LogEntry) (rejected int, err error)
	// Finder finds lines.
	Finder
}

// Finder finds lines of logs.
type Finder interface {
	// History are the newest lines, the oldest first.
	History(ctx context.Context, tenant string, q api.LogQuery) ([]api.LogLine, error)
	// Range are all lines of a time, the oldest first.
	Range(ctx context.Context, tenant string, q api.LogQuery, begin, end time.Time) ([]api.LogLine, error)
}

// LastLogs keeps what an agent cannot wait with. *logs.Relay does.
type LastLogs interface {
	Keep(tenant string, from logs.Origin, entries []api.LogEntry) error
	Say(tenant string, from logs.Origin, level, text string)
}

// haveLogs refuses where the platform has no Loki.
func (s *Server) haveLogs() error {
	if s.Logs == nil {
		return api.NewProblem(api.Failed, "this platform keeps no logs").WithHelp("its operator sets where they are kept (FNGEND_LOKI_ADDR)")
	}
	return nil
}

// getLogs answers with lines, and with Follow goes on with those that come.
func (s *Server) getLogs(w http.ResponseWriter, r *http.Request) {
	actor, p, err := s.target(r)
	if err == nil {
		err = s.haveLogs()
	}
	var q api.LogQuery
	if err == nil {
		q, err = readLogQuery(r.URL.Query(), time.Now())
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	leave, err := s.reads.enter(r.Context(), actor.KeyID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer leave()
	tenant := logs.Tenant(p.Name, p.ID)
	lines, err := s.history(r.Context(), tenant, q)
	if err == nil {
		err = untimed(w)
	}
	if err != nil {
		s.fail(w, r, s.logProblem(err))
		return
	}
	s.streamLogs(w, r, tenant, q, lines)
}

// history are the lines before those that are followed.
func (s *Server) history(ctx context.Context, tenant string, q api.LogQuery) ([]api.LogLine, error) {
	if q.Limit == 0 {
		return nil, nil
	}
	return s.Logs.History(ctx, tenant, q)
}

// logProblem says that the store of logs is away.
func (s *Server) logProblem(err error) error {
	if errors.Is(err, logs.ErrAway) {
		s.Log.Warn("read logs", slog.Any("error", err))
		return api.NewProblem(api.Unavailable, "the platform cannot read logs just now").WithHelp("try again in a moment: what is written meanwhile is kept")
	}
	return err
}

// streamLogs writes one JSON object a line.
func (s *Server) streamLogs(w http.ResponseWriter, r *http.Request, tenant string, q api.LogQuery, lines []api.LogLine) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	out := &lineWriter{w: w, rc: http.NewResponseController(w)}
	write := func(lines []api.LogLine) {
		for _, line := range lines {
			if text, err := json.Marshal(line); err == nil { // it is made of texts and numbers
				out.write(text)
			}
		}
	}
	write(lines)
	if !q.Follow {
		return
	}
	out.flush()
	f := newFollower(s.Logs, tenant, q, lines, time.Now)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	poll := time.NewTicker(followPause)
	defer poll.Stop()
	for !out.gone {
		select {
		case <-r.Context().Done():
			return
		case <-s.ending:
			return
		case <-beat.C:
			out.write(nil)
		case <-poll.C:
			lines, err := f.poll(r.Context())
			write(lines)
			if err != nil && f.away() {
				s.Log.Warn("follow logs", slog.Any("error", err))
				return // it is asked for again, and told what is wrong
			}
		}
	}
}
