package capture

import (
	"sync"
	"time"

	"fngen.dev/fngen/pkg/api"
)

// Streams are where an entry was written to.
const (
	Stdout = "stdout"
	Stderr = "stderr"
)

// Levels, as Python's logging names them.
const (
	Debug    = "DEBUG"
	Info     = "INFO"
	Warning  = "WARNING"
	Error    = "ERROR"
	Critical = "CRITICAL"
)

// Entry is one entry of a log.
type Entry = api.LogEntry

// Access is a request as it was answered.
type Access = api.LogAccess

// Clock gives out times, each later than the one before, so that entries keep their
// order and no two are the same.
type Clock struct {
	mu   sync.Mutex
	last int64
}

// Next is the time now, or just after the last one given out.
func (c *Clock) Next() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = max(c.last+1, time.Now().UnixNano())
	return c.last
}
