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
	// Range are the lines of a time, the oldest first: all, or as many as it may be.
	Range(ctx context.Context, tenant string, q api.LogQuery, begin, end time.Time) (lines []api.LogLine, all bool, err error)
	// Late are notes of lines that came long after they were written, and LateLines the
	// lines of one, as Range has them.
	Late(ctx context.Context, tenant string, begin, end time.Time) (notes []logs.Late, all bool, err error)
	LateLines(ctx context.Context, tenant string, q api.LogQuery, n logs.Late) (lines []api.LogLine, all bool, err error)
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
	if err := untimed(w); err != nil {
		s.fail(w, r, err)
		return
	}
	tenant := logs.Tenant(p.Name, p.ID)
	out := &logWriter{lineWriter{w: w, rc: http.NewResponseController(w)}}
	f, err := s.writeHistory(w, r, tenant, q, actor.KeyID, out)
	if err != nil {
		s.fail(w, r, s.logProblem(err))
		return
	}
	if q.Follow {
		out.flush()
		s.follow(r.Context(), f, out)
	}
}

// writeHistory writes the lines before those that are followed, which take memory: so
// few are read at a time.
func (s *Server) writeHistory(w http.ResponseWriter, r *http.Request, tenant string, q api.LogQuery, key int64, out *logWriter) (*follower, error) {
	leave, err := s.histories.enter(r.Context(), key)
	if err != nil {
		return nil, err
	}
	defer leave()
	var f *follower
	var lines []api.LogLine
	if q.Follow {
		f, lines, err = startFollower(r.Context(), s.Logs, tenant, q, time.Now)
	} else if q.Limit > 0 {
		lines, err = s.Logs.History(r.Context(), tenant, q)
	}
	if err != nil {
		return nil, err
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	out.lines(lines)
	return f, nil
}

// logProblem says that the store of logs is away.
func (s *Server) logProblem(err error) error {
	if errors.Is(err, logs.ErrAway) {
		s.Log.Warn("read logs", slog.Any("error", err))
		return api.NewProblem(api.Unavailable, "the platform cannot read logs just now").WithHelp("try again in a moment: what is written meanwhile is kept")
	}
	return err
}

// logWriter writes one JSON object a line.
type logWriter struct{ lineWriter }

func (w *logWriter) lines(lines []api.LogLine) {
	for _, line := range lines {
		if text, err := json.Marshal(line); err == nil { // it is made of texts and numbers
			w.unflushed(text)
		}
	}
	if len(lines) > 0 {
		w.flush()
	}
}

// follow writes lines as they come, until the caller leaves. An empty line says that all
// has been written that there was until then: from there one goes on who connects again.
func (s *Server) follow(ctx context.Context, f *follower, out *logWriter) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	poll := time.NewTicker(followPause)
	defer poll.Stop()
	for due := true; !out.gone; {
		select {
		case <-ctx.Done():
			return
		case <-s.ending:
			return
		case <-beat.C:
			due = true
		case <-poll.C:
			lines, err := f.poll(ctx)
			out.lines(lines)
			if err != nil && f.away() {
				s.Log.Warn("follow logs", slog.Any("error", err))
				return // it is asked for again, and told what is wrong
			}
			if due && f.current() {
				out.write(nil)
				due = false
			}
		}
	}
}
