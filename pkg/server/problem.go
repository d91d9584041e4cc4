package server

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
	"fngen.dev/fngen/pkg/guard"
	"fngen.dev/fngen/pkg/store"
)

// errBody is a request body that broke off or is not what it should be.
var errBody = errors.New("the request's body cannot be read")

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
	{errBody, api.Invalid, "try again"},
}

// problem turns any error into the one that crosses HTTP. What is not known is
// logged in full and shown as "internal".
func (s *Server) problem(ctx context.Context, err error) *api.Problem {
	id := infoOf(ctx).id
	p := new(api.Problem)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		copied := *p
		p = &copied
	case errors.As(err, &tooLarge):
		p = api.NewProblem(api.TooLarge, "the request's body has more than %d bytes", tooLarge.Limit)
	default:
		p = s.lookUp(ctx, err)
	}
	p.RequestID = id
	return p
}

func (s *Server) lookUp(ctx context.Context, err error) *api.Problem {
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
	s.Log.LogAttrs(ctx, level, "request failed", append(faultAttrs(err), slog.String("request_id", infoOf(ctx).id))...)
	return internal()
}

// faultAttrs tell a fault of ours in the log, with its place when it was a panic.
func faultAttrs(err error) []slog.Attr {
	attrs := []slog.Attr{slog.Any("error", err)}
	if met, ok := errors.AsType[*guard.Panic](err); ok {
		attrs = append(attrs, slog.String("stack", string(met.Stack)))
	}
	return attrs
}

// internal is all that a caller is told of a fault of ours.
func internal() *api.Problem {
	return api.NewProblem(api.Internal, "the platform has a fault; it is in its log").
		WithHelp("try again, and tell the operator the request id when it stays")
}

// fail answers with a problem.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := s.problem(r.Context(), err)
	body, err := json.Marshal(p)
	if err != nil {
		s.Log.Error("encode problem", slog.Any("error", err))
		body = []byte(`{"code":"internal","status":500}`)
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	// A caller that left cannot be told.
	_, _ = w.Write(append(body, '\n'))
}

// problemOfFramework gives huma's own refusals the shape of all others.
func problemOfFramework(ctx huma.Context, _ string, v any) (any, error) {
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
	p.RequestID = infoOf(ctx.Context()).id
	return p, nil
}
