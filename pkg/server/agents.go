package server

import (
	"net/http"

	"fngen.dev/fngen/pkg/api"
)

func (s *Server) routeAgents(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/agent/trees/{hex}", s.trees.Send)
	// GET answers HEAD too.
	mux.HandleFunc("GET /v1/agent/layers/{key}", s.layers.Get)
	mux.HandleFunc("PUT /v1/agent/layers/{key}", s.layers.Put)
	mux.HandleFunc("GET /v1/agent/static", s.getLiveStatic)
	mux.HandleFunc("POST /v1/agent/logs", s.logs.Put)
	s.tasks.ForAgents(mux)
}

// getLiveStatic tells an instance which static files the pages of the live release
// link to, which it may be about to replace.
func (s *Server) getLiveStatic(w http.ResponseWriter, r *http.Request) {
	_, p, err := s.agents.Of(r)
	var live api.LiveStatic
	if err == nil {
		live.Keys, err = s.Deployer.LiveStatic(r.Context(), p)
	}
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	s.JSON(w, live)
}
