package server

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/access"
	"fngen.dev/fngen/pkg/server/manifest"
	"fngen.dev/fngen/pkg/server/peer"
	"fngen.dev/fngen/pkg/server/respond"
)

// push makes a tree live and streams what happens.
func (s *Server) push(w http.ResponseWriter, r *http.Request) { s.change(w, r, s.beginPush) }

// rollback makes an earlier release live and streams what happens.
func (s *Server) rollback(w http.ResponseWriter, r *http.Request) { s.change(w, r, s.beginRollback) }

// change begins something and streams what happens. It has its place until the end.
func (s *Server) change(w http.ResponseWriter, r *http.Request, begin func(*http.Request) (<-chan api.Event, error)) {
	leave, err := s.enterChange(w, r)
	if err != nil {
		s.Refuse(w, r, err)
		return
	}
	defer leave()
	events, err := begin(r)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	s.stream(w, r, events)
}

// enterChange lets a request in that may take minutes, and has no use for a body.
func (s *Server) enterChange(w http.ResponseWriter, r *http.Request) (leave func(), err error) {
	actor, err := access.ActorOf(r.Context())
	if err == nil {
		err = peer.Unbodied(r)
	}
	if err == nil {
		err = respond.Untimed(w)
	}
	if err != nil {
		return nil, err
	}
	return s.changes.Enter(r.Context(), actor.KeyID)
}

func (s *Server) beginRollback(r *http.Request) (<-chan api.Event, error) {
	actor, p, err := s.people.Target(r)
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

// events streams what happened while a release was brought up, and with follow=true what
// happens, whichever control plane does it.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	s.change(w, r, func(r *http.Request) (<-chan api.Event, error) {
		_, p, err := s.people.Target(r)
		if err != nil {
			return nil, err
		}
		text := r.PathValue("release")
		release, err := strconv.Atoi(text)
		if err != nil || release < 1 {
			return nil, api.NewProblem(api.Invalid, "%q is not the number of a release", text)
		}
		return s.Deployer.Events(r.Context(), p, release, r.URL.Query().Get("follow") == "true")
	})
}

// stream writes events until there are no more, one JSON object a line.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, events <-chan api.Event) {
	out := respond.NewLines(w)
	out.Begin()
	out.Flush()
	beat := time.NewTicker(respond.Heartbeat)
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
				e.Failed = s.Problem(r.Context(), e.Failed)
			}
			line, err := json.Marshal(e)
			if err != nil {
				s.Options.Log.Error("encode event", slog.Any("error", err))
				continue
			}
			out.Write(line)
		case <-beat.C:
			out.Write(nil)
		}
	}
}

func (s *Server) beginPush(r *http.Request) (<-chan api.Event, error) {
	actor, p, err := s.people.Target(r)
	if err != nil {
		return nil, err
	}
	query := r.URL.Query()
	req := api.PushRequest{Entry: query.Get("entry"), Plan: query.Get("plan"), Rebuild: query.Get("rebuild") == "true"}
	if req.Tree, err = manifest.TreeDigest(query.Get("tree")); err != nil {
		return nil, err
	}
	if req.Entry != "" {
		if fault := manifest.CheckPath(req.Entry); fault != "" {
			return nil, api.NewProblem(api.Invalid, "entry %q %s", req.Entry, fault)
		}
	}
	if req.Plan != "" && !manifest.IsSHA256(req.Plan) {
		return nil, api.NewProblem(api.Invalid, "%q is not the seal of a plan", req.Plan)
	}
	has, err := s.trees.Whole(r.Context(), p, req.Tree)
	if err != nil {
		return nil, err
	}
	if !has {
		return nil, api.NewProblem(api.TreeMissing, "project %q has no tree %s", p.Name, req.Tree).WithHelp("send it first")
	}
	return s.Deployer.Push(r.Context(), actor, p, req)
}
