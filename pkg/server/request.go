package server

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"
)

// requestID is what is taken from a caller; anything else is replaced.
var requestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// info is what the log line of a request says. The layers below fill it in.
type info struct {
	id     string
	caller string
}

type infoKey struct{}

func infoOf(ctx context.Context) *info {
	if i, ok := ctx.Value(infoKey{}).(*info); ok {
		return i
	}
	return &info{}
}

// logged gives each request an id and writes one line for it.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		i := &info{id: r.Header.Get("X-Request-Id")}
		if !requestID.MatchString(i.id) {
			i.id = rand.Text()
		}
		w.Header().Set("X-Request-Id", i.id)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		rec := &recorder{ResponseWriter: w, patience: s.pace.time}
		r = r.WithContext(context.WithValue(r.Context(), infoKey{}, i))
		defer func() {
			// A panic is http.ErrAbortHandler, which cuts an answer short, or a bug.
			met := recover()
			cut := met != nil && (met == http.ErrAbortHandler || !s.answerPanic(rec, r, met))
			s.line(r, i, rec, begin, cut)
			if cut {
				panic(http.ErrAbortHandler)
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

// answerPanic logs a bug with its place, and answers unless an answer was begun.
func (s *Server) answerPanic(rec *recorder, r *http.Request, met any) (answered bool) {
	s.Log.LogAttrs(r.Context(), slog.LevelError, "panic in a request", slog.String("request_id", infoOf(r.Context()).id),
		slog.Any("panic", met), slog.String("stack", string(debug.Stack())))
	if rec.status != 0 {
		return false
	}
	s.fail(rec, r, internal())
	return true
}

func (s *Server) line(r *http.Request, i *info, rec *recorder, begin time.Time, aborted bool) {
	level := slog.LevelInfo
	if r.URL.Path == "/healthz" && rec.status == http.StatusOK {
		level = slog.LevelDebug
	}
	s.Log.LogAttrs(r.Context(), level, "request",
		slog.String("request_id", i.id), slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Int("status", rec.status), slog.Int64("bytes", rec.bytes), slog.Int64("ms", time.Since(begin).Milliseconds()),
		slog.String("caller", i.caller), slog.String("ip", s.callerOf(r).String()), slog.Bool("aborted", aborted))
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
