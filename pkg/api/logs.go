package api

import "time"

// LogEntry is one entry of a log, as an agent sends it: a line, or a traceback. POST
// /v1/agent/logs has one a line. From where it comes is not in it: that is Nomad's to
// say, not the agent's.
type LogEntry struct {
	// Time is in nanoseconds since 1970. No two entries of an agent share it.
	Time int64 `json:"ts"`
	// Stream is "stdout" or "stderr".
	Stream string `json:"stream"`
	// Level is DEBUG, INFO, WARNING, ERROR or CRITICAL.
	Level   string `json:"level"`
	Message string `json:"message"`
	// TaskID and RequestID say in which work it was written, as far as that is known.
	TaskID    string `json:"task_id,omitempty"`
	RequestID string `json:"request_id,omitempty"`
	// Logger is the name of Python's logger.
	Logger string `json:"logger,omitempty"`
	// Error is the identity of the exception that it tells of.
	Error string `json:"error,omitempty"`
	// Access is set of a request that was answered.
	Access *LogAccess `json:"access,omitempty"`
	// Platform says that it was written by the agent, not by the program.
	Platform bool `json:"platform,omitempty"`
}

// LogAccess is a request as it was answered.
type LogAccess struct {
	Method   string  `json:"method"`
	Path     string  `json:"path"`
	Status   int     `json:"status"`
	Duration float64 `json:"duration_ms"`
}

// LogReceipt answers POST /v1/agent/logs.
type LogReceipt struct {
	// Dropped is how many of the entries were not kept: the project's quota is used up,
	// or they cannot be stored.
	Dropped int `json:"dropped"`
}

// LogLine is a line of `fngen logs`. GET /v1/projects/{project}/logs has one a line of
// its answer, the oldest first.
type LogLine struct {
	Time      time.Time `json:"ts"`
	Level     string    `json:"level"`
	Power     string    `json:"power"`
	Function  string    `json:"function"`
	TaskID    string    `json:"task_id"`
	RequestID string    `json:"request_id"`
	Stream    string    `json:"stream"`
	Server    string    `json:"server"`
	// Release is 0 where it is not known.
	Release int    `json:"release"`
	Message string `json:"message"`
	// Instance is the allocation, as Nomad's tools shorten it.
	Instance string     `json:"instance,omitempty"`
	Logger   string     `json:"logger,omitempty"`
	Error    string     `json:"error,omitempty"`
	Access   *LogAccess `json:"access,omitempty"`
}

// LogQuery is which lines to get: the query of GET /v1/projects/{project}/logs. Empty
// fields are no condition.
type LogQuery struct {
	Power, Function   string
	TaskID, RequestID string
	// Level is the least level.
	Level string
	// Text must be in the line.
	Text string
	// Since and Until bound the time; Until is not used with Follow.
	Since, Until time.Time
	// Limit is how many lines, the newest; with Follow those before it begins.
	Limit int
	// Follow goes on with lines as they come.
	Follow bool
}
