package respond

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"fngen.dev/fngen/pkg/server/peer"
)

// requestID is what is taken from a caller; anything else is replaced.
var requestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Request is what the log line of a request says. The layers below fill it in.
type Request struct {
	ID     string
	Caller string
}

type requestKey struct{}

// RequestOf is what is known of the request of a context.
func RequestOf(ctx context.Context) *Request {
	if i, ok := ctx.Value(requestKey{}).(*Request); ok {
		return i
	}
	return &Request{}
}

// Logged gives each request an id and writes one line for it.
type Logged struct {
	Responder
	// Proxies tell where a request came from, Pace how long a write may take of an
	// answer that has no limit as a whole.
	Proxies peer.Proxies
	Pace    peer.Pace
	Next    http.Handler
}

func (l *Logged) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	i := &Request{ID: r.Header.Get("X-Request-Id")}
	if !requestID.MatchString(i.ID) {
		i.ID = rand.Text()
	}
	w.Header().Set("X-Request-Id", i.ID)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	rec := &recorder{ResponseWriter: w, patience: l.Pace.Time}
	r = r.WithContext(context.WithValue(r.Context(), requestKey{}, i))
	defer func() {
		// A panic is http.ErrAbortHandler, which cuts an answer short, or a bug.
		met := recover()
		cut := met != nil && (met == http.ErrAbortHandler || !l.answerPanic(rec, r, met))
		l.line(r, i, rec, begin, cut)
		if cut {
			panic(http.ErrAbortHandler)
		}
	}()
	l.Next.ServeHTTP(rec, r)
}

// answerPanic logs a bug with its place, and answers unless an answer was begun.
func (l *Logged) answerPanic(rec *recorder, r *http.Request, met any) (answered bool) {
	l.Log.LogAttrs(r.Context(), slog.LevelError, "panic in a request", slog.String("request_id", RequestOf(r.Context()).ID),
		slog.Any("panic", met), slog.String("stack", string(debug.Stack())))
	if rec.status != 0 {
		return false
	}
	l.Fail(rec, r, internal())
	return true
}

func (l *Logged) line(r *http.Request, i *Request, rec *recorder, begin time.Time, aborted bool) {
	level := slog.LevelInfo
	if r.URL.Path == "/healthz" && rec.status == http.StatusOK {
		level = slog.LevelDebug
	}
	l.Log.LogAttrs(r.Context(), level, "request",
		slog.String("request_id", i.ID), slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Int("status", rec.status), slog.Int64("bytes", rec.bytes), slog.Int64("ms", time.Since(begin).Milliseconds()),
		slog.String("caller", i.Caller), slog.String("ip", l.Proxies.Caller(r).String()), slog.Bool("aborted", aborted))
}

// recorder notes what was answered, and gives each write its time where the answer
// as a whole has no limit.
type recorder struct {
	http.ResponseWriter
	status   int
	bytes    int64
	patience time.Duration // of each write
	untimed  bool          // without a limit for all of it
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	if r.untimed {
		if err := http.NewResponseController(r.ResponseWriter).SetWriteDeadline(time.Now().Add(r.patience)); err != nil {
			return 0, err
		}
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Untimed lifts the server's time limits from a request that may last: it goes on as
// long as the peer keeps pace. A body is held to that where it is read (peer.Body);
// that of a request which has no use for one is read before (peer.Unbodied).
func Untimed(w http.ResponseWriter) error {
	rec, ok := w.(*recorder)
	if !ok {
		return fmt.Errorf("lift the time limits: the answer is a %T", w)
	}
	rec.untimed = true
	rc := http.NewResponseController(w)
	return errors.Join(rc.SetReadDeadline(time.Time{}), rc.SetWriteDeadline(time.Time{}))
}
