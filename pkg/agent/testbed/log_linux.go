package testbed

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/pkg/api"
)

// takeLog keeps entries of a log. The lock is held.
func (c *ControlPlane) takeLog(w http.ResponseWriter, r *http.Request) {
	body, err := zstd.NewReader(r.Body)
	if err != nil {
		Problem(w, api.NewProblem(api.Invalid, "%v", err))
		return
	}
	defer body.Close()
	for in := json.NewDecoder(body); ; {
		var e api.LogEntry
		if err := in.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			Problem(w, api.NewProblem(api.Invalid, "%v", err))
			return
		}
		c.log = append(c.log, e)
	}
	w.WriteHeader(http.StatusNoContent)
}

// Entries are what came, without those of the platform unless they are wanted.
func (c *ControlPlane) Entries(platform bool) []api.LogEntry {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []api.LogEntry
	for _, e := range c.log {
		if e.Platform == platform {
			out = append(out, e)
		}
	}
	return out
}
