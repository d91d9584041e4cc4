// Package task is what the control plane and the agents must agree on about tasks:
// what one is, how it travels through RabbitMQ, and what an agent tells of it.
//
// It knows no broker and no store. The names of queues and the meaning of every
// header are here and nowhere else; docs/architecture.md, Running tasks, draws them.
package task

import (
	"encoding/json"
	"strings"
	"time"
)

// State is where a task stands.
//
//	queued -> running -> succeeded
//	   ^         |-----> failed     (nothing to try again: a payload that does not bind, cancelled)
//	   |         |-----> dead       (all attempts are used up, or it kills what runs it)
//	   |         \-----> retrying -> running
//	   \--- failed, dead            (put back by a person)
type State string

// The states of a task. The last three are ends.
const (
	Queued    State = "queued"
	Running   State = "running"
	Retrying  State = "retrying"
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Dead      State = "dead"
)

// Ended reports whether nothing more comes of a task by itself.
func (s State) Ended() bool { return s == Succeeded || s == Failed || s == Dead }

// Rank orders the states of one attempt: what is told late or twice never takes a
// task back.
func (s State) Rank() int {
	switch s {
	case Queued:
		return 0
	case Running:
		return 1
	default:
		return 2
	}
}

// Valid reports whether s is one of the states.
func (s State) Valid() bool {
	switch s {
	case Queued, Running, Retrying, Succeeded, Failed, Dead:
		return true
	}
	return false
}

// Why a task failed or died, beside its exception. An agent may give others.
const (
	// ReasonException is an exception that the function raised.
	ReasonException = "exception"
	// ReasonPayload is a payload that does not bind to the function: no code ran.
	ReasonPayload = "bad_payload"
	// ReasonTimeout is an attempt that took longer than the function's timeout.
	ReasonTimeout = "timed_out"
	// ReasonCrashed is a process that ended in the middle, ReasonMemory one that the
	// kernel killed for memory.
	ReasonCrashed = "crashed"
	ReasonMemory  = "oom"
	// ReasonResult is a result that is no JSON, or too large.
	ReasonResult = "bad_result"
	// ReasonCancelled is a task that a person ended.
	ReasonCancelled = "cancelled"
	// ReasonNotSent is a task that the broker never confirmed and does not have.
	ReasonNotSent = "not_sent"
	// ReasonUnroutable is a message that was given up, and whose queue is gone.
	ReasonUnroutable = "unroutable"
	// ReasonPayloadGone is a large payload that the control plane does not have any more.
	ReasonPayloadGone = "payload_gone"
)

// Limits, in bytes.
const (
	// MaxPayload is what travels in a message, MaxLarge what the control plane keeps
	// beside it.
	MaxPayload = 1 << 20
	MaxLarge   = 64 << 20
	MaxResult  = 1 << 20
	// MaxError is what of an error and its traceback is kept.
	MaxError = 64 << 10
)

// Error says why an attempt failed.
type Error struct {
	// Reason is one of the Reason constants.
	Reason string `json:"reason"`
	// Type and Message are of the exception, or tell what happened in words.
	Type      string `json:"type,omitempty"`
	Message   string `json:"message"`
	Traceback string `json:"traceback,omitempty"`
	// Faults are the fields of a payload that do not bind, as pkg/binding has them.
	Faults json.RawMessage `json:"faults,omitempty"`
	// Output is the end of what was written before a crash.
	Output string `json:"output,omitempty"`
}

// Text is the error in one line.
func (e *Error) Text() string {
	if e == nil {
		return "without a reason"
	}
	text := e.Message
	if e.Type != "" {
		text = e.Type + ": " + text
	}
	if e.Reason != "" && e.Reason != ReasonException {
		text = e.Reason + ": " + text
	}
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// Event is what an agent tells of one task.
type Event struct {
	ID       string `json:"id"`
	Function string `json:"function"`
	// Attempt is the one of the message, from 1 over the life of the task.
	Attempt int `json:"attempt"`
	// State is running, retrying, succeeded, failed or dead.
	State State `json:"state"`
	// At is when it came about, StartedAt when the attempt began; both by the agent's
	// clock. A start need not be told on its own where the end follows at once.
	At        time.Time `json:"at"`
	StartedAt time.Time `json:"started_at,omitzero"`
	// NextAt is when the next attempt begins at the earliest, of one that is retrying.
	NextAt time.Time `json:"next_at,omitzero"`
	// Result is JSON as the function returned it; of one that succeeded.
	Result json.RawMessage `json:"result,omitempty"`
	Error  *Error          `json:"error,omitempty"`
	// Allocation, Server and Release say where it ran.
	Allocation string `json:"allocation,omitempty"`
	Server     string `json:"server,omitempty"`
	Release    int    `json:"release,omitempty"`
}

// Events is the body of a message to the control plane. One message has as many as
// came about while the last was confirmed, up to MaxEvents and MaxEventBytes.
type Events struct {
	Events []Event `json:"events"`
}

// Bounds of one message of events. A result of its own may be larger than the second.
const (
	MaxEvents     = 512
	MaxEventBytes = 1 << 20
)

// Control is the body of a message to all agents of a project.
type Control struct {
	// Cancel are tasks to be ended, and not to be begun.
	Cancel []string `json:"cancel,omitempty"`
}
