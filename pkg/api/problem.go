package api

import (
	"fmt"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/pkg/binding"
)

// Code names a problem in a way that programs can act on.
type Code string

// The codes and the HTTP status that each travels with are one table, in
// statusOf. A code that is not known is Internal.
const (
	Internal        Code = "internal"
	Invalid         Code = "invalid"
	Unauthenticated Code = "unauthenticated"
	Forbidden       Code = "forbidden"
	NotFound        Code = "not_found"
	Exists          Code = "exists"
	TreeMissing     Code = "tree_missing"
	// BaseUnknown means that a tree was sent as its difference from one that the
	// project does not have.
	BaseUnknown Code = "base_unknown"
	TooLarge    Code = "too_large"
	// NoRoom means that the platform's disk, or the project's share of it, is full.
	NoRoom Code = "no_room"
	// OffsetMismatch means that a content was sent from another offset than the
	// platform has it to.
	OffsetMismatch Code = "offset_mismatch"
	Busy           Code = "busy"
	// Drifted means that what was planned is not what would be done any more.
	Drifted Code = "drifted"
	// Refused means that the tree has faults: see Diagnostics.
	Refused Code = "refused"
	// Failed means that the push was right and did not come up.
	Failed Code = "failed"
	// Unavailable means that a part of the platform is away: the same may be asked
	// again.
	Unavailable Code = "unavailable"
	// BadPayload means that a payload does not fit its function: see Faults.
	BadPayload Code = "bad_payload"
	// Unroutable means that the queue of a function is not there.
	Unroutable Code = "unroutable"
	// BrokerBlocked means that the broker takes nothing at present, BrokerAway that it
	// cannot be reached: nothing was sent, unless the detail says so.
	BrokerBlocked Code = "broker_blocked"
	BrokerAway    Code = "broker_unreachable"
	// QueueFull means that a function has as many tasks waiting as it may.
	QueueFull Code = "queue_full"
	// OutcomeUnknown means that a task was sent and not confirmed: it may be run. The
	// same key sends it again without running it twice.
	OutcomeUnknown Code = "outcome_unknown"
	// Conflict means that what is asked for is not possible as things stand.
	Conflict Code = "conflict"
)

var statusOf = map[Code]int{
	Internal: 500, Invalid: 400, Unauthenticated: 401, Forbidden: 403, NotFound: 404,
	Exists: 409, TreeMissing: 409, BaseUnknown: 409, OffsetMismatch: 409, Drifted: 409, TooLarge: 413, Busy: 423, Refused: 422, Failed: 422,
	NoRoom: 507, Unavailable: 503, BadPayload: 422, Unroutable: 503, BrokerBlocked: 503, BrokerAway: 503, QueueFull: 503,
	OutcomeUnknown: 504, Conflict: 409,
}

// Problem is an error that crosses HTTP, in the shape of RFC 9457 with a code
// and, where a person's input is at fault, diagnostics.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   Code   `json:"code"`
	Detail string `json:"detail"`
	// Help is an instruction, when there is one.
	Help string `json:"help,omitempty"`
	// RequestID finds the request in the platform's logs.
	RequestID   string    `json:"request_id,omitempty"`
	Diagnostics diag.List `json:"diagnostics,omitempty"`
	// Faults are the fields of a payload that do not fit.
	Faults []binding.Fault `json:"faults,omitempty"`
}

// NewProblem makes a problem with the status that belongs to code.
func NewProblem(code Code, format string, args ...any) *Problem {
	status, ok := statusOf[code]
	if !ok {
		code, status = Internal, statusOf[Internal]
	}
	return &Problem{Type: "about:blank", Title: string(code), Status: status, Code: code, Detail: fmt.Sprintf(format, args...)}
}

// WithHelp returns p with an instruction.
func (p *Problem) WithHelp(format string, args ...any) *Problem {
	q := *p
	q.Help = fmt.Sprintf(format, args...)
	return &q
}

// Error makes a problem an error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus lets the HTTP framework answer with the problem's own status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }
