package peer

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"fngen.dev/fngen/pkg/api"
)

// ErrBody is a request body that broke off or is not what it should be.
var ErrBody = errors.New("the request's body cannot be read")

// Pace is how slow a peer may be: one that is slower holds memory and a place for
// nothing, and is cut. Only the time counts in which it is waited for.
type Pace struct {
	// Each Wire bytes of a body must arrive within Time, or become Plain bytes when
	// they are decompressed: what compresses well is read from a disk that may be slow.
	Time        time.Duration
	Wire, Plain int64
}

// UsualPace is about 35 kbit/s. Answers must be taken as fast: a write of 32 KiB to
// 1 MiB within a minute.
var UsualPace = Pace{Time: time.Minute, Wire: 256 << 10, Plain: 64 << 20}

// Body reads the body of a request, counts what arrives, and holds it to a pace.
type Body struct {
	r    io.Reader
	rc   *http.ResponseController
	pace Pace

	n      int64
	got    int64         // since it last moved
	waited time.Duration // since then
	ended  bool
}

// NewBody reads at most so many bytes of a body.
func NewBody(w http.ResponseWriter, r *http.Request, p Pace, most int64) *Body {
	return &Body{r: http.MaxBytesReader(w, r.Body, most), rc: http.NewResponseController(w), pace: p}
}

func (b *Body) Read(p []byte) (int, error) {
	if b.ended {
		// A deadline from now on would be one of the connection, for the next request.
		return 0, io.EOF
	}
	begin := time.Now()
	if err := b.rc.SetReadDeadline(begin.Add(b.pace.Time - b.waited)); err != nil {
		return 0, fmt.Errorf("set read deadline: %w", err)
	}
	n, err := b.r.Read(p)
	b.waited += time.Since(begin)
	b.n, b.got = b.n+int64(n), b.got+int64(n)
	switch {
	case errors.Is(err, io.EOF):
		b.ended = true
	case b.got >= b.pace.Wire:
		b.Moved()
	case errors.Is(err, os.ErrDeadlineExceeded), err == nil && b.waited >= b.pace.Time:
		return n, b.tooSlow()
	}
	return n, Blame(err)
}

// Received is how many bytes have arrived.
func (b *Body) Received() int64 { return b.n }

// Pace is what the body is held to.
func (b *Body) Pace() Pace { return b.pace }

// Moved says that the peer keeps pace by what has become of the bytes that arrived.
func (b *Body) Moved() { b.got, b.waited = 0, 0 }

func (b *Body) tooSlow() error {
	p := api.NewProblem(api.Busy, "the body came too slowly: %d bytes in %s, where %d are the least", b.got, b.pace.Time, b.pace.Wire).
		WithHelp("try again; what has arrived is kept")
	p.Status = http.StatusRequestTimeout
	return p
}

// Blame tells an error of the body from one of our disk.
func Blame(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, ErrBody) {
		return err
	}
	if p := (*api.Problem)(nil); errors.As(err, &p) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrBody, err)
}

// maxUnread is what a request may send that has no use for a body.
const maxUnread = 4 << 10

// Unbodied refuses a body where none belongs: the rest of one that never ends would
// be waited for after the answer. It reads within the time limits of any request.
func Unbodied(r *http.Request) error {
	n, err := io.Copy(io.Discard, io.LimitReader(r.Body, maxUnread+1))
	if err != nil {
		return Blame(err)
	}
	if n > maxUnread {
		return api.NewProblem(api.TooLarge, "the request needs no body, and has more than %d bytes of one", maxUnread)
	}
	return nil
}
