package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
)

// read decodes a JSON body of limit bytes at most. Unknown fields are let be: a
// newer client may know more.
func read[T any](w http.ResponseWriter, r *http.Request, limit int64) (T, error) {
	var v T
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, limit))
	if err := d.Decode(&v); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return v, err
		}
		return v, fmt.Errorf("%w: %w", errBody, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return v, fmt.Errorf("%w: there is more after the JSON document", errBody)
	}
	return v, nil
}

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
