package tasks

import (
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/task"
)

// Public is a task as it crosses HTTP.
func (t Task) Public() api.Task {
	out := api.Task{
		ID: t.ID, Function: t.Function, State: t.State, Attempts: t.Attempt, EnqueuedAt: t.EnqueuedAt, StartedAt: instant(t.StartedAt),
		FinishedAt: instant(t.FinishedAt), NextAt: instant(t.NextAt), Result: t.Result, Error: t.Error, Release: t.Release, Server: t.Server,
		Retryable: t.Kept && (t.State == task.Failed || t.State == task.Dead),
	}
	if t.State == task.Queued { // the attempt is yet to begin
		out.Attempts--
	}
	return out
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
