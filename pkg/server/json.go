package server

import (
	"encoding/json"
	"log/slog"
	"net/http"
)

// reply answers with JSON.
func (s *Server) reply(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		s.Log.Error("encode answer", slog.Any("error", err))
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// A caller that left cannot be told.
	_, _ = w.Write(append(body, '\n'))
}
