package deploy

import (
	"context"
	"errors"
	"log/slog"

	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/panics"
	"fngen.dev/fngen/pkg/store"
)

// problem is what a person is told of an error that ended a push. What is not
// meant for them is logged in full and shown as internal.
func (s *Service) problem(p store.Project, err error) *api.Problem {
	if back, ok := errors.AsType[*notBack](err); ok {
		s.log.Error("go back", "project", p.Name, "error", back.back)
		return s.problem(p, back.why).WithHelp("going back has not worked yet, so that something of this release may still run: the platform tries until it has, and `fngen status %s` tells", p.Name)
	}
	if problem, ok := errors.AsType[*api.Problem](err); ok {
		return problem
	}
	if drift, ok := errors.AsType[nomad.ErrDrift](err); ok {
		return api.NewProblem(api.Failed, "%v", drift).WithHelp("push again")
	}
	s.log.Error("push failed", "project", p.Name, "error", err)
	if errors.Is(err, context.Canceled) {
		return api.NewProblem(api.Failed, "the platform was stopped during this push").WithHelp("push again")
	}
	return api.NewProblem(api.Internal, "the platform failed; its operator finds the cause in fngend's log").WithHelp("push again; what ran before keeps running")
}

// logPanic tells where a change has met a panic, if that is why it ended.
func (s *Service) logPanic(p store.Project, err error) {
	if met, ok := errors.AsType[*panics.Panic](err); ok {
		s.log.Error("panic in a change", slog.String("project", p.Name), slog.Any("panic", met.Value), slog.String("stack", string(met.Stack)))
	}
}
