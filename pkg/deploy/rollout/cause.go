package rollout

import (
	"context"
	"log/slog"
	"path"
	"time"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/cause"
	"fngen.dev/fngen/pkg/deploy/postmortem"
)

// causeOf is what the runtime of a failed instance says of itself, nil when it says
// nothing that belongs to this failure.
func (r *Rollout) causeOf(ctx context.Context, f *nomad.Failure, checks *checkup) *cause.Cause {
	if f.Allocation == "" || f.OutOfMemory {
		return nil
	}
	if f.ExitCode < 0 && checks.cause != nil {
		return checks.cause
	}
	found, err := r.ReadCause(ctx, f.Allocation, f.Task)
	if err != nil {
		r.Log.Debug("read why an instance failed", slog.Any("error", err)) // most write none
		return nil
	}
	switch {
	case f.ExitCode < 0:
		// It runs: what it wrote is about now, when it answers nothing.
		if found.Kind != cause.Waiting || checks.answered {
			return nil
		}
	case f.ExitCode == 0 || f.ExitCode > postmortem.Signalled || found.At.Before(f.Started) || found.Kind == cause.Waiting || found.Kind == cause.Request:
		return nil // of an earlier start, or of something that did not end it
	}
	return found
}

// ReadCause is what the runtime of an instance has written of why it failed. Most write
// nothing.
func (r *Rollout) ReadCause(ctx context.Context, allocation, task string) (*cause.Cause, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	data, err := r.Nomad.ReadFile(ctx, r.Project, allocation, path.Join(task, cause.File), cause.MaxBytes)
	if err != nil {
		return nil, err
	}
	return cause.Parse(data)
}

// Diagnose makes one diagnostic of a cause, with its line of the tree.
func (r *Rollout) Diagnose(ctx context.Context, f ir.Function, found *cause.Cause) diag.List {
	code, err := r.Code(ctx)
	if err != nil {
		r.Log.Warn("open the tree of a failed release", slog.String("project", r.Project), slog.Any("error", err))
	}
	return postmortem.Diagnose(found, f, code, sameFaultAfter)
}
