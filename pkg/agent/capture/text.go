package capture

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"time"
)

// pause is how long the end of a traceback is waited for. A process writes it in one
// go, if in several calls.
const pause = 250 * time.Millisecond

// Work is what a process is at, as whoever runs it knows.
type Work struct{ TaskID, RequestID string }

// Text makes entries of what a process writes to a stream. It is a writer that may be
// used by one goroutine at a time, and never fails.
type Text struct {
	Stream string
	Clock  *Clock
	// Work says what the process is at, or is nil where that is not known.
	Work func() Work
	// Take is given entries, all at once that were written at once. It keeps none.
	Take func(...Entry)

	taken   []Entry
	line    []byte
	dropped int
	trace   traceback
}

// Write takes what was written, in pieces of any size.
func (t *Text) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			t.keep(p)
			break
		}
		t.keep(p[:end])
		t.endLine()
		p = p[end+1:]
	}
	t.hand()
	return n, nil
}

// hand hands over what has been taken.
func (t *Text) hand() {
	if len(t.taken) > 0 {
		t.Take(t.taken...)
	}
	clear(t.taken)
	t.taken = t.taken[:0]
}

// keep adds to the line, as long as that is not too long.
func (t *Text) keep(p []byte) {
	room := max(0, MaxMessage-len(t.line))
	t.line = append(t.line, p[:min(len(p), room)]...)
	t.dropped += max(0, len(p)-room)
}

func (t *Text) endLine() {
	text := clean(bytes.TrimSuffix(t.line, []byte{'\r'}), t.dropped)
	t.line, t.dropped = t.line[:0], 0
	if t.trace.add(text) {
		return
	}
	t.settle()
	if !t.trace.begin(text) {
		t.entry(text)
	}
}

// Settle ends a traceback that may have gone on.
func (t *Text) Settle() {
	t.settle()
	t.hand()
}

func (t *Text) settle() {
	if whole, rest := t.trace.end(); whole != "" {
		t.entry(whole)
		for _, text := range rest {
			t.entry(text)
		}
	}
}

// End takes what was not ended by a newline.
func (t *Text) End() {
	if len(t.line) > 0 || t.dropped > 0 {
		t.endLine()
	}
	t.Settle()
}

func (t *Text) entry(text string) {
	e := Entry{Time: t.Clock.Next(), Stream: t.Stream, Message: text}
	if t.Work != nil {
		w := t.Work()
		e.TaskID, e.RequestID = w.TaskID, w.RequestID
	}
	if !readOwn(&e) || e.Level == "" {
		e.Level = guess(text)
	}
	t.taken = append(t.taken, e)
}

// deadlined is a file that can be told how long to wait.
type deadlined interface {
	io.Reader
	SetReadDeadline(time.Time) error
}

// Consume reads a pipe to its end, or until it fails. raw is given all as it is.
func (t *Text) Consume(r deadlined, raw io.Writer) {
	defer t.End()
	buffer := make([]byte, 32<<10)
	for pace := new(pace); ; {
		deadline := time.Time{}
		if t.trace.open() {
			deadline = time.Now().Add(pause)
		}
		_ = r.SetReadDeadline(deadline) // a file without it has no pause
		n, err := r.Read(buffer)
		if n > 0 {
			_, _ = raw.Write(buffer[:n]) // whoever reads it has gone: it is kept elsewhere too
			_, _ = t.Write(buffer[:n])
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Settle()
			continue
		}
		if err != nil {
			return
		}
		pace.rest(n)
	}
}

// traceback collects the lines of one that Python prints.
type traceback struct {
	lines []string
	size  int
	// ended says that the line of the exception has come; what may follow is another
	// traceback to which it led. after are the lines since, of which that is not clear.
	ended bool
	after []string
}

const (
	first = "Traceback (most recent call last):"
	group = "  + Exception Group Traceback (most recent call last):"
)

// links are the lines between two tracebacks of one fault.
var links = []string{
	"During handling of the above exception, another exception occurred:",
	"The above exception was the direct cause of the following exception:",
}

func (t *traceback) open() bool { return len(t.lines) > 0 }

// begin says whether the line is the first of a traceback.
func (t *traceback) begin(line string) bool {
	if line != first && line != group {
		return false
	}
	t.lines, t.size = append(t.lines, line), len(line)
	return true
}

// add takes a line that belongs to the traceback that is open.
func (t *traceback) add(line string) bool {
	if !t.open() || t.size+len(line) > MaxMessage {
		return false
	}
	switch {
	case t.ended && t.between(line):
		t.after = append(t.after, line)
		return true
	case t.ended:
		return t.another(line)
	case !strings.HasPrefix(line, " ") && line != "" && line != first:
		t.ended = true // the line of the exception
	}
	t.lines, t.size = append(t.lines, line), t.size+len(line)+1
	return true
}

// between says whether the line may be one of those between two tracebacks.
func (t *traceback) between(line string) bool {
	switch len(t.after) {
	case 0, 2:
		return line == ""
	case 1:
		return line == links[0] || line == links[1]
	}
	return false
}

// another takes the first line of the traceback that follows, with what is between.
func (t *traceback) another(line string) bool {
	if line != first || len(t.after) != 3 {
		return false
	}
	for _, l := range append(t.after, line) {
		t.lines, t.size = append(t.lines, l), t.size+len(l)+1
	}
	t.after, t.ended = nil, false
	return true
}

// end returns it, and the lines after it that did not belong to it.
func (t *traceback) end() (string, []string) {
	whole, rest := strings.Join(t.lines, "\n"), t.after
	*t = traceback{}
	return whole, rest
}
