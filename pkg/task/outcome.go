package task

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// Code says how an attempt ended, by the account of the process that ran it
// (runtime/work/wire.py).
type Code byte

// The codes. Exited is a task that ended its process.
const (
	Well Code = iota
	Raised
	BadPayload
	TimedOut
	BadResult
	Exited
)

// Next is the state of a task after an attempt that ended so. retries are the attempts
// after the first that its function allows, and first is the one since it was sent or
// put back.
func (c Code) Next(attempt, first, retries int) State {
	switch {
	case c == Well:
		return Succeeded
	case c == BadPayload || c == BadResult: // the next would end no otherwise
		return Failed
	case attempt < first+retries:
		return Retrying
	}
	return Dead
}

// Failure is the error of an attempt, from what its process wrote about it.
func (c Code) Failure(body []byte) *Error {
	var said struct {
		Type, Message, Traceback string
		Faults                   json.RawMessage
	}
	_ = json.Unmarshal(body, &said) // what is not said is empty
	e := &Error{Type: Cut(said.Type), Message: Cut(said.Message), Traceback: Cut(said.Traceback), Faults: said.Faults}
	switch c {
	case BadPayload:
		e.Reason = ReasonPayload
	case BadResult:
		e.Reason = ReasonResult
	case TimedOut:
		e.Reason = ReasonTimeout
	case Exited:
		e.Reason = ReasonCrashed
		e.Message = strings.TrimSuffix("the task ended its process by "+said.Type+": "+said.Message, ": ")
	default:
		e.Reason = ReasonException
	}
	return e
}

// Result is a result as a process told it, if it is JSON: the code of strangers writes
// where its process does.
func Result(body []byte) json.RawMessage {
	if len(body) > MaxResult || !json.Valid(body) {
		return json.RawMessage("null")
	}
	return body
}

// Cancelled is the error of a task that a person has ended.
func Cancelled() *Error { return &Error{Reason: ReasonCancelled, Message: "it was cancelled"} }

// Cut keeps as much of a text as is kept of an error.
func Cut(s string) string {
	if len(s) > MaxError {
		s = s[:MaxError]
	}
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
