package respond

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
)

// JSON answers with what v is.
func (r Responder) JSON(w http.ResponseWriter, v any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // what a task returned is answered as it is
	if err := encoder.Encode(v); err != nil {
		r.Log.Error("encode answer", slog.Any("error", err))
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// A caller that left cannot be told.
	_, _ = w.Write(body.Bytes())
}
