package task

import (
	"fmt"
	"regexp"
	"time"

	"github.com/google/uuid"
)

// The headers of a task's message.
const (
	// HeaderAttempt is the attempt that the message is for, from 1 over the whole life
	// of the task: a task that was put back goes on counting.
	HeaderAttempt = "x-fn-attempt"
	// HeaderFirst is the first attempt since the task was sent, or put back: the
	// attempts that a function allows are counted from it.
	HeaderFirst = "x-fn-first"
	// HeaderEnqueued is when the task was first sent, in microseconds since 1970.
	HeaderEnqueued = "x-fn-enqueued"
	// HeaderRelease is the release whose schema the payload was held against.
	HeaderRelease = "x-fn-release"
	// HeaderShape is "call" for a payload {"args": [...], "kwargs": {...}} that is bound
	// as Python binds a call; absent for one that is bound by its own form.
	HeaderShape = "x-fn-shape"
	// HeaderPayload is the SHA-256 in hex of a payload that the control plane keeps since
	// it is too large for a message, and HeaderPayloadBytes its size. The body is empty.
	HeaderPayload      = "x-fn-payload"
	HeaderPayloadBytes = "x-fn-payload-bytes"
)

// ShapeCall is the one value of HeaderShape.
const ShapeCall = "call"

// Message is a task on its way: the properties and headers of a message, whose body
// is the caller's JSON, byte for byte.
type Message struct {
	// ID is a UUID of version 7 and the property message_id; Function is the property
	// type, Project the property app_id.
	ID, Function, Project string
	Attempt, First        int
	Enqueued              time.Time
	Release               int
	Shape                 string
	Body                  []byte
	// Large is the payload where it is too large for a message; Body is empty then.
	Large Large
}

// Large is a payload that the control plane keeps, under the task's id; zero for none.
type Large struct {
	SHA256 string
	Bytes  int64
}

var sha256Shape = regexp.MustCompile(`^[0-9a-f]{64}$`)

// valid reports whether it can be one.
func (l Large) valid() bool {
	return sha256Shape.MatchString(l.SHA256) && l.Bytes > 0 && l.Bytes <= MaxLarge
}

// NewID makes the id of a task.
func NewID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make the id of a task: %w", err)
	}
	return id.String(), nil
}

// ValidID reports whether s is an id as NewID makes them.
func ValidID(s string) bool {
	id, err := uuid.Parse(s)
	return err == nil && id.Version() == 7 && id.String() == s
}

// Headers are those of a message, of types that AMQP has.
func (m Message) Headers() map[string]any {
	h := map[string]any{
		HeaderAttempt: int32(m.Attempt), HeaderFirst: int32(m.First),
		HeaderEnqueued: m.Enqueued.UnixMicro(), HeaderRelease: int32(m.Release),
	}
	if m.Shape != "" {
		h[HeaderShape] = m.Shape
	}
	if m.Large != (Large{}) {
		h[HeaderPayload], h[HeaderPayloadBytes] = m.Large.SHA256, m.Large.Bytes
	}
	return h
}

// ReadMessage is the message with the given properties. What it says is held to be
// possible: an agent acts on it.
func ReadMessage(id, function, project string, headers map[string]any, body []byte) (Message, error) {
	m := Message{ID: id, Function: function, Project: project, Body: body}
	if !ValidID(id) {
		return m, fmt.Errorf("read message: %q is not the id of a task", id)
	}
	attempt, first, release := number(headers[HeaderAttempt]), number(headers[HeaderFirst]), number(headers[HeaderRelease])
	if first < 1 || attempt < first || attempt > maxAttempt || release < 0 || release > maxAttempt {
		return m, fmt.Errorf("read message %s: attempt %d, first %d, release %d are not possible", id, attempt, first, release)
	}
	m.Attempt, m.First, m.Release = int(attempt), int(first), int(release)
	if enqueued := number(headers[HeaderEnqueued]); enqueued > 0 {
		m.Enqueued = time.UnixMicro(enqueued).UTC()
	}
	switch shape := headers[HeaderShape]; shape {
	case nil, "":
	case ShapeCall:
		m.Shape = ShapeCall
	default:
		return m, fmt.Errorf("read message %s: its shape is not known", id)
	}
	if kept := headers[HeaderPayload]; kept != nil {
		m.Large.SHA256, _ = kept.(string)
		m.Large.Bytes = number(headers[HeaderPayloadBytes])
		if !m.Large.valid() || len(body) > 0 {
			return m, fmt.Errorf("read message %s: the place of its payload is not possible", id)
		}
	}
	return m, nil
}

// maxAttempt bounds numbers of a message, so that none overflows what reads it.
const maxAttempt = 1 << 30

// number reads any of AMQP's integers; what is none is -1.
func number(v any) int64 {
	switch v := v.(type) {
	case int8:
		return int64(v)
	case uint8:
		return int64(v)
	case int16:
		return int64(v)
	case uint16:
		return int64(v)
	case int32:
		return int64(v)
	case uint32:
		return int64(v)
	case int:
		return int64(v)
	case int64:
		return v
	}
	return -1
}
