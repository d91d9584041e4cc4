package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

type workloadKey struct{}

func (s *Server) routeAgents(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/agent/trees/{hex}", s.getTree)
	// GET answers HEAD too.
	mux.HandleFunc("GET /v1/agent/layers/{key}", s.getLayer)
	mux.HandleFunc("PUT /v1/agent/layers/{key}", s.putLayer)
	mux.HandleFunc("GET /v1/agent/static", s.getLiveStatic)
	mux.HandleFunc("POST /v1/agent/logs", s.putLogs)
	s.routeAgentTasks(mux)
}

// withWorkload lets a request with a valid workload identity through.
func (s *Server) withWorkload(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := bearer(r)
		who, err := s.Workloads.Verify(r.Context(), token)
		if errors.Is(err, errWorkload) {
			err = api.NewProblem(api.Unauthenticated, "%s", err)
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		infoOf(r.Context()).caller = who.Namespace + "/" + who.JobID
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), workloadKey{}, who)))
	})
}

// skew is by how much the clocks of Nomad's servers and ours may differ.
const skew = 5 * time.Second

// workload is the agent and the project that Nomad says it runs for. A name may have
// come back for another project, and what Nomad signed for the first outlives it: so
// the allocation must run. While Nomad does not answer, and starts must go on, the
// identity must at least be younger than the project.
func (s *Server) workload(r *http.Request) (Workload, store.Project, error) {
	who, ok := r.Context().Value(workloadKey{}).(Workload)
	if !ok {
		return who, store.Project{}, api.NewProblem(api.Unauthenticated, "%s", errWorkload)
	}
	p, err := s.Store.ProjectByName(r.Context(), who.Namespace)
	if err != nil {
		return who, p, err
	}
	alive, known, err := s.alive.ask(r.Context(), who)
	if !known {
		s.warnUnknown(r.Context(), who, err)
		alive = who.Issued.After(p.CreatedAt.Add(-skew))
	}
	if !alive {
		return who, store.Project{}, api.NewProblem(api.Unauthenticated, "%s: its allocation does not run", errWorkload)
	}
	return who, p, nil
}

// getLiveStatic tells an instance which static files the pages of the live release
// link to, which it may be about to replace.
func (s *Server) getLiveStatic(w http.ResponseWriter, r *http.Request) {
	_, p, err := s.workload(r)
	var live api.LiveStatic
	if err == nil {
		live.Keys, err = s.Deployer.LiveStatic(r.Context(), p)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.reply(w, live)
}

// finish ends a stream. The status went out long ago, so a fault can only be
// shown by cutting the connection.
func (s *Server) finish(r *http.Request, err error) {
	if err == nil {
		return
	}
	s.Log.LogAttrs(r.Context(), slog.LevelWarn, "stream broke off", slog.String("request_id", infoOf(r.Context()).id), slog.Any("error", err))
	panic(http.ErrAbortHandler)
}
