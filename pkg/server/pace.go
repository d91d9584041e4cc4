package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"fngen.dev/fngen/pkg/api"
)

// pace is how slow a peer may be: one that is slower holds memory and a place for
// nothing, and is cut. Only the time counts in which it is waited for.
type pace struct {
	// Each so many bytes of a body must arrive within time, or become so many plain
	// ones: what compresses well is read from a disk that may be slow.
	time        time.Duration
	wire, plain int64
}

// usualPace is about 35 kbit/s. Answers must be taken as fast: a write of 32 KiB to
// 1 MiB within a minute.
var usualPace = pace{time: time.Minute, wire: 256 << 10, plain: 64 << 20}

// wireReader counts what arrives, and holds it to a pace.
type wireReader struct {
	r    io.Reader
	rc   *http.ResponseController
	pace pace

	n      int64
	got    int64         // since it last moved
	waited time.Duration // since then
	ended  bool
}

func newWireReader(w http.ResponseWriter, r *http.Request, p pace, most int64) *wireReader {
	return &wireReader{r: http.MaxBytesReader(w, r.Body, most), rc: http.NewResponseController(w), pace: p}
}

func (b *wireReader) Read(p []byte) (int, error) {
	if b.ended {
		// A deadline from now on would be one of the connection, for the next request.
		return 0, io.EOF
	}
	begin := time.Now()
	if err := b.rc.SetReadDeadline(begin.Add(b.pace.time - b.waited)); err != nil {
		return 0, fmt.Errorf("set read deadline: %w", err)
	}
	n, err := b.r.Read(p)
	b.waited += time.Since(begin)
	b.n, b.got = b.n+int64(n), b.got+int64(n)
	switch {
	case errors.Is(err, io.EOF):
		b.ended = true
	case b.got >= b.pace.wire:
		b.moved()
	case errors.Is(err, os.ErrDeadlineExceeded), err == nil && b.waited >= b.pace.time:
		return n, b.tooSlow()
	}
	return n, blame(err)
}

func (b *wireReader) moved() { b.got, b.waited = 0, 0 }

func (b *wireReader) tooSlow() error {
	p := api.NewProblem(api.Busy, "the body came too slowly: %d bytes in %s, where %d are the least", b.got, b.pace.time, b.pace.wire).
		WithHelp("try again; what has arrived is kept")
	p.Status = http.StatusRequestTimeout
	return p
}

// blame tells an error of the body from one of our disk.
func blame(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, errBody) {
		return err
	}
	if p := (*api.Problem)(nil); errors.As(err, &p) {
		return err
	}
	return fmt.Errorf("%w: %w", errBody, err)
}

// untimed lifts the server's time limits from a request that may last: it goes on as
// long as the peer keeps pace. A body is held to that where it is read (wireReader);
// that of a request which has no use for one is read before (unbodied).
func untimed(w http.ResponseWriter) error {
	rec, ok := w.(*recorder)
	if !ok {
		return fmt.Errorf("lift the time limits: the answer is a %T", w)
	}
	rec.untimed = true
	rc := http.NewResponseController(w)
	return errors.Join(rc.SetReadDeadline(time.Time{}), rc.SetWriteDeadline(time.Time{}))
}

// maxUnread is what a request may send that has no use for a body.
const maxUnread = 4 << 10

// unbodied refuses a body where none belongs: the rest of one that never ends would
// be waited for after the answer. It reads within the time limits of any request.
func unbodied(r *http.Request) error {
	n, err := io.Copy(io.Discard, io.LimitReader(r.Body, maxUnread+1))
	if err != nil {
		return blame(err)
	}
	if n > maxUnread {
		return api.NewProblem(api.TooLarge, "the request needs no body, and has more than %d bytes of one", maxUnread)
	}
	return nil
}
