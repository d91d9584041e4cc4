package logs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/klauspost/compress/snappy"

	"fngen.dev/fngen/pkg/api"
)

// LateAfter is how old an entry may be when Loki gets it until that is noted.
const LateAfter = 10 * time.Second

// lateLabels are those of the stream of notes, which selector never finds: it wants a
// power.
const lateLabels = `{late="true"}`

// Late is a note of entries that Loki got long after they were written: since their agent
// could not send them, or Loki was away. Whoever follows a log looks at what is new, and
// would never come by them. Notes are in Loki themselves, so that every control plane finds
// them, also one that starts only then.
type Late struct {
	// Noted is when the entries had been stored.
	Noted time.Time
	// Instance is whose they are; empty for the platform.
	Instance string
	// From is the time of the oldest, To that of the newest.
	From, To time.Time
}

// lateNote is a note as it is stored, with times in nanoseconds.
type lateNote struct {
	Instance string `json:"instance"`
	From     int64  `json:"from"`
	To       int64  `json:"to"`
}

// noteLate notes entries that have been stored, if they were late.
func (l *Loki) noteLate(ctx context.Context, tenant string, from Origin, entries []api.LogEntry) error {
	now := time.Now()
	note := lateNote{Instance: from.Instance}
	for _, e := range entries {
		if now.Sub(time.Unix(0, e.Time)) < LateAfter {
			continue
		}
		if note.To == 0 {
			note.From, note.To = e.Time, e.Time
		}
		note.From, note.To = min(note.From, e.Time), max(note.To, e.Time)
	}
	if note.To == 0 {
		return nil
	}
	text, err := json.Marshal(note)
	if err != nil {
		return err
	}
	stream := field(field(nil, 1, []byte(lateLabels)), 2, entry(Origin{}, api.LogEntry{Time: now.UnixNano(), Message: string(text)}))
	body := snappy.Encode(nil, field(nil, 1, stream))
	if _, err := l.do(ctx, tenant, http.MethodPost, "/loki/api/v1/push", nil, "application/x-protobuf", bytes.NewReader(body)); err != nil {
		// The entries are there, and come again: twice they are one.
		return fmt.Errorf("note late entries: %w", errors.Join(ErrAway, err))
	}
	return nil
}

// Late are the notes of a time, from its begin and before its end, the oldest first: all,
// or as many as one answer holds.
func (l *Loki) Late(ctx context.Context, tenant string, begin, end time.Time) (notes []Late, all bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	lines, _, err := l.lines(ctx, tenant, lateLabels, begin, end, page, "forward")
	if err != nil {
		return nil, false, err
	}
	for _, line := range lines {
		var n lateNote
		if err := json.Unmarshal([]byte(line.Message), &n); err != nil {
			return nil, false, fmt.Errorf("read note of late entries: %w", err)
		}
		notes = append(notes, Late{Noted: line.Time, Instance: n.Instance, From: time.Unix(0, n.From).UTC(), To: time.Unix(0, n.To).UTC()})
	}
	return notes, len(lines) < page, nil
}

// LateLines are the lines of a query that a note tells of, as Range returns them.
func (l *Loki) LateLines(ctx context.Context, tenant string, q api.LogQuery, n Late) (out []api.LogLine, all bool, err error) {
	return l.between(ctx, tenant, selector(q)+" | instance="+quote(n.Instance), n.From, n.To.Add(1))
}
