package logroutes

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/logs"
	"fngen.dev/fngen/pkg/logs/follow"
	"fngen.dev/fngen/pkg/server/respond"
)

// Get answers with lines, and with Follow goes on with those that come.
func (l *Routes) Get(w http.ResponseWriter, r *http.Request) {
	actor, p, err := l.People.Target(r)
	if err == nil {
		err = l.haveLogs()
	}
	var q api.LogQuery
	if err == nil {
		q, err = readLogQuery(r.URL.Query(), time.Now())
	}
	if err != nil {
		l.Fail(w, r, err)
		return
	}
	leave, err := l.reads.Enter(r.Context(), actor.KeyID)
	if err != nil {
		l.Fail(w, r, err)
		return
	}
	defer leave()
	if err := respond.Untimed(w); err != nil {
		l.Fail(w, r, err)
		return
	}
	tenant := logs.Tenant(p.Name, p.ID)
	out := &logWriter{respond.NewLines(w)}
	f, err := l.writeHistory(r, tenant, q, actor.KeyID, out)
	if err != nil {
		l.Fail(w, r, l.problem(err))
		return
	}
	if q.Follow {
		out.Flush()
		l.follow(r.Context(), f, out)
	}
}

// writeHistory writes the lines before those that are followed, which take memory: so
// few are read at a time.
func (l *Routes) writeHistory(r *http.Request, tenant string, q api.LogQuery, key int64, out *logWriter) (*follow.Follower, error) {
	leave, err := l.histories.Enter(r.Context(), key)
	if err != nil {
		return nil, err
	}
	defer leave()
	var f *follow.Follower
	var lines []api.LogLine
	if q.Follow {
		f, lines, err = follow.Start(r.Context(), l.Logs, tenant, q, time.Now)
	} else if q.Limit > 0 {
		lines, err = l.Logs.History(r.Context(), tenant, q)
	}
	if err != nil {
		return nil, err
	}
	out.Begin()
	out.lines(lines)
	return f, nil
}

// problem says that the store of logs is away.
func (l *Routes) problem(err error) error {
	if errors.Is(err, logs.ErrAway) {
		l.Log.Warn("read logs", slog.Any("error", err))
		return api.NewProblem(api.Unavailable, "the platform cannot read logs just now").WithHelp("try again in a moment: what is written meanwhile is kept")
	}
	return err
}

// logWriter writes one JSON object a line.
type logWriter struct{ *respond.Lines }

func (w *logWriter) lines(lines []api.LogLine) {
	for _, line := range lines {
		if text, err := json.Marshal(line); err == nil { // it is made of texts and numbers
			w.Unflushed(text)
		}
	}
	if len(lines) > 0 {
		w.Flush()
	}
}

// follow writes lines as they come, until the caller leaves. An empty line says that all
// has been written that there was until then: from there one goes on who connects again.
func (l *Routes) follow(ctx context.Context, f *follow.Follower, out *logWriter) {
	beat := time.NewTicker(respond.Heartbeat)
	defer beat.Stop()
	poll := time.NewTicker(follow.Pause)
	defer poll.Stop()
	for due := true; !out.Gone(); {
		select {
		case <-ctx.Done():
			return
		case <-l.ending:
			return
		case <-beat.C:
			due = true
		case <-poll.C:
			lines, err := f.Poll(ctx)
			out.lines(lines)
			if err != nil && f.Away() {
				l.Log.Warn("follow logs", slog.Any("error", err))
				return // it is asked for again, and told what is wrong
			}
			if due && f.Current() {
				out.Write(nil)
				due = false
			}
		}
	}
}
