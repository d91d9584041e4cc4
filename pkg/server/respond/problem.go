// Package respond answers requests: with JSON, with lines that go on, or with a problem
// that has a code. Each request has an id and one line in the log.
package respond

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"syscall"

	"github.com/danielgtaylor/huma/v2"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/delta"
	"fngen.dev/fngen/pkg/panics"
	"fngen.dev/fngen/pkg/server/peer"
	"fngen.dev/fngen/pkg/store"
)

// Responder answers, and logs what a caller is not told.
type Responder struct{ Log *slog.Logger }

// known are the errors that a caller may see as they are.
var known = []struct {
	err  error
	code api.Code
	help string
}{
	{store.ErrNotFound, api.NotFound, ""},
	{store.ErrExists, api.Exists, ""},
	{store.ErrUnauthenticated, api.Unauthenticated, "check FNGEN_API_KEY or ~/.fngen/credentials.yml"},
	{store.ErrState, api.Busy, ""},
	{api.ErrTooLarge, api.TooLarge, ""},
	{api.ErrTreeStream, api.Invalid, ""},
	{delta.ErrTooLarge, api.TooLarge, "exclude files with .fnignore"},
	{delta.ErrMalformed, api.Invalid, ""},
	{blob.ErrParts, api.Busy, "they go a day after they were left"},
	{syscall.ENOSPC, api.NoRoom, "tell the operator: the disk of FNGEND_DATA is full"},
	{blob.ErrMismatch, api.Invalid, "push again: the file changed or the connection damaged it"},
	{peer.ErrBody, api.Invalid, "try again"},
}

// Problem turns any error into the one that crosses HTTP. What is not known is
// logged in full and shown as "internal".
func (r Responder) Problem(ctx context.Context, err error) *api.Problem {
	id := RequestOf(ctx).ID
	p := new(api.Problem)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		copied := *p
		p = &copied
	case errors.As(err, &tooLarge):
		p = api.NewProblem(api.TooLarge, "the request's body has more than %d bytes", tooLarge.Limit)
	default:
		p = r.lookUp(ctx, err)
	}
	p.RequestID = id
	return p
}

func (r Responder) lookUp(ctx context.Context, err error) *api.Problem {
	for _, k := range known {
		if errors.Is(err, k.err) {
			p := api.NewProblem(k.code, "%s", err)
			p.Help = k.help
			return p
		}
	}
	// A caller that left is not our fault, and sees nothing anyway.
	level := slog.LevelError
	if ctx.Err() != nil {
		level = slog.LevelInfo
	}
	r.Log.LogAttrs(ctx, level, "request failed", append(panics.Attrs(err), slog.String("request_id", RequestOf(ctx).ID))...)
	return internal()
}

// internal is all that a caller is told of a fault of ours.
func internal() *api.Problem {
	return api.NewProblem(api.Internal, "the platform has a fault; it is in its log").
		WithHelp("try again, and tell the operator the request id when it stays")
}

// Fail answers with a problem.
func (r Responder) Fail(w http.ResponseWriter, req *http.Request, err error) {
	p := r.Problem(req.Context(), err)
	body, err := json.Marshal(p)
	if err != nil {
		r.Log.Error("encode problem", slog.Any("error", err))
		body = []byte(`{"code":"internal","status":500}`)
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	// A caller that left cannot be told.
	_, _ = w.Write(append(body, '\n'))
}

// Refuse answers with a problem, and says when to come again who came too often.
func (r Responder) Refuse(w http.ResponseWriter, req *http.Request, err error) {
	if p, ok := errors.AsType[*api.Problem](err); ok && p.Status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	r.Fail(w, req, err)
}

// Finish ends a stream. The status went out long ago, so a fault can only be
// shown by cutting the connection.
func (r Responder) Finish(req *http.Request, err error) {
	if err == nil {
		return
	}
	r.Log.LogAttrs(req.Context(), slog.LevelWarn, "stream broke off", slog.String("request_id", RequestOf(req.Context()).ID), slog.Any("error", err))
	panic(http.ErrAbortHandler)
}

// ProblemOfFramework gives huma's own refusals the shape of all others.
func ProblemOfFramework(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	code := api.Invalid
	switch {
	case m.Status == http.StatusRequestEntityTooLarge:
		code = api.TooLarge
	case m.Status >= http.StatusInternalServerError:
		code = api.Internal
	}
	var text strings.Builder
	text.WriteString(m.Detail)
	for _, e := range m.Errors {
		text.WriteString("; " + e.Location + ": " + e.Message)
	}
	p := api.NewProblem(code, "%s", text.String())
	p.Status = m.Status
	p.RequestID = RequestOf(ctx.Context()).ID
	return p, nil
}
