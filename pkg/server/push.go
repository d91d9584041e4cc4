package server

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"fngen.dev/fngen/pkg/api"
)

// heartbeat keeps routers from closing a silent stream, and finds out that the
// caller left.
const heartbeat = 15 * time.Second

// push makes a tree live and streams what happens.
func (s *Server) push(w http.ResponseWriter, r *http.Request) { s.change(w, r, s.beginPush) }

// rollback makes an earlier release live and streams what happens.
func (s *Server) rollback(w http.ResponseWriter, r *http.Request) { s.change(w, r, s.beginRollback) }

// change begins something and streams what happens. It has its place until the end.
func (s *Server) change(w http.ResponseWriter, r *http.Request, begin func(*http.Request) (<-chan api.Event, error)) {
	leave, err := s.enterChange(w, r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	defer leave()
	events, err := begin(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.stream(w, r, events)
}

// enterChange lets a request in that may take minutes, and has no use for a body.
func (s *Server) enterChange(w http.ResponseWriter, r *http.Request) (leave func(), err error) {
	actor, err := actorOf(r.Context())
	if err == nil {
		err = unbodied(r)
	}
	if err == nil {
		err = untimed(w)
	}
	if err != nil {
		return nil, err
	}
	return s.changes.enter(r.Context(), actor.KeyID)
}

func (s *Server) beginRollback(r *http.Request) (<-chan api.Event, error) {
	actor, p, err := s.target(r)
	if err != nil {
		return nil, err
	}
	release, text := 0, r.URL.Query().Get("release")
	if text != "" {
		if release, err = strconv.Atoi(text); err != nil || release < 1 {
			return nil, api.NewProblem(api.Invalid, "%q is not the number of a release", text)
		}
	}
	return s.Deployer.Rollback(r.Context(), actor, p, release)
}

// stream writes events until there are no more, one JSON object a line.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, events <-chan api.Event) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	out := &lineWriter{w: w, rc: http.NewResponseController(w)}
	out.flush()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	// The loop outlives the caller: the deployer sends until it is done, and
	// shutting down waits for its requests.
	for {
		select {
		case e, ok := <-events:
			if !ok {
				return
			}
			if e.Failed != nil {
				e.Failed = s.problem(r.Context(), e.Failed)
			}
			line, err := json.Marshal(e)
			if err != nil {
				s.Log.Error("encode event", slog.Any("error", err))
				continue
			}
			out.write(line)
		case <-beat.C:
			out.write(nil)
		}
	}
}

func (s *Server) beginPush(r *http.Request) (<-chan api.Event, error) {
	actor, p, err := s.target(r)
	if err != nil {
		return nil, err
	}
	query := r.URL.Query()
	req := api.PushRequest{Entry: query.Get("entry"), Plan: query.Get("plan"), Rebuild: query.Get("rebuild") == "true"}
	if req.Tree, err = treeDigest(query.Get("tree")); err != nil {
		return nil, err
	}
	if req.Entry != "" {
		if fault := checkPath(req.Entry); fault != "" {
			return nil, api.NewProblem(api.Invalid, "entry %q %s", req.Entry, fault)
		}
	}
	if req.Plan != "" && !sha256Hex.MatchString(req.Plan) {
		return nil, api.NewProblem(api.Invalid, "%q is not the seal of a plan", req.Plan)
	}
	has, err := s.whole(r.Context(), p, req.Tree)
	if err != nil {
		return nil, err
	}
	if !has {
		return nil, api.NewProblem(api.TreeMissing, "project %q has no tree %s", p.Name, req.Tree).WithHelp("send it first")
	}
	return s.Deployer.Push(r.Context(), actor, p, req)
}

// lineWriter writes lines until the caller leaves, and nothing after.
type lineWriter struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	gone bool
}

func (l *lineWriter) write(line []byte) {
	l.unflushed(line)
	if !l.gone {
		l.flush()
	}
}

// unflushed writes a line that others follow at once.
func (l *lineWriter) unflushed(line []byte) {
	if l.gone {
		return
	}
	// One write, so that a line is never cut in two packets without need.
	if _, err := l.w.Write(append(line, '\n')); err != nil {
		l.gone = true
	}
}

func (l *lineWriter) flush() {
	if err := l.rc.Flush(); err != nil {
		l.gone = true
	}
}
