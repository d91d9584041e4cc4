package respond

import (
	"net/http"
	"time"
)

// Heartbeat keeps routers from closing a silent stream, and finds out that the
// caller left.
const Heartbeat = 15 * time.Second

// Lines writes lines until the caller leaves, and nothing after.
type Lines struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	gone bool
}

// NewLines begins nothing yet: an answer may still be a problem.
func NewLines(w http.ResponseWriter) *Lines {
	return &Lines{w: w, rc: http.NewResponseController(w)}
}

// Begin begins an answer of JSON objects, one a line.
func (l *Lines) Begin() {
	l.w.Header().Set("Content-Type", "application/x-ndjson")
	l.w.Header().Set("Cache-Control", "no-store")
	l.w.Header().Set("X-Accel-Buffering", "no")
	l.w.WriteHeader(http.StatusOK)
}

// Gone reports whether the caller has left.
func (l *Lines) Gone() bool { return l.gone }

// Write writes a line that the caller sees at once.
func (l *Lines) Write(line []byte) {
	l.Unflushed(line)
	if !l.gone {
		l.Flush()
	}
}

// Unflushed writes a line that others follow at once.
func (l *Lines) Unflushed(line []byte) {
	if l.gone {
		return
	}
	// One write, so that a line is never cut in two packets without need.
	if _, err := l.w.Write(append(line, '\n')); err != nil {
		l.gone = true
	}
}

// Flush sends what was written.
func (l *Lines) Flush() {
	if err := l.rc.Flush(); err != nil {
		l.gone = true
	}
}
