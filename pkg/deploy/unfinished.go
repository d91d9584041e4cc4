package deploy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/panics"
	"fngen.dev/fngen/pkg/store"
)

// notBack says that a change has failed and that going back has, too: something of
// it may still run. Who asked hears why it failed; the rest is tried again.
type notBack struct{ why, back error }

func (e *notBack) Error() string { return fmt.Sprintf("%v; going back: %v", e.why, e.back) }

func (e *notBack) Unwrap() []error { return []error{e.why, e.back} }

// notUndone begins the reason of an interrupted release: what is in the way. The
// lines after it say why the release failed at all.
const notUndone = "not undone yet: "

// markTime is how long the store may take to note that a release is interrupted.
// The change itself may have no time left.
const markTime = 5 * time.Second

// interrupted notes that a release is not undone yet, and why. It may have been
// settled: then nothing is noted.
func (s *Service) interrupted(ctx context.Context, c *change, number int, why string, cause error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), markTime)
	defer cancel()
	reason := notUndone + oneLine(cause) + "\n" + why
	err := s.store.SetReleaseState(ctx, c.actor, c.project.ID, number, store.Interrupted, reason)
	switch {
	case errors.Is(err, store.ErrState) || errors.Is(err, store.ErrNotFound):
	case err != nil:
		s.log.Error("note an interrupted release", slog.String("project", c.project.Name), slog.Int("release", number), slog.Any("error", err))
	default:
		s.log.Warn("a release is interrupted", slog.String("project", c.project.Name), slog.Int("release", number), slog.String("reason", oneLine(cause)))
	}
}

// leftOpen notes that the release of a change that ended with an error is not undone.
// It is called while the change still holds the project. Nothing is noted when this
// control plane ends: the next one begins with what is left.
func (c *change) leftOpen(ctx context.Context, err error) {
	if c.release.Number == 0 || c.closing.Err() != nil {
		return
	}
	why, cause := err, err
	if back, ok := errors.AsType[*notBack](err); ok {
		why, cause = back.why, back.back
	}
	c.interrupted(ctx, c, c.release.Number, why.Error(), cause)
}

// whyFailed is the reason of an unfinished release without what was in the way of
// undoing it.
func whyFailed(r store.Release) string {
	if r.State != store.Interrupted {
		return interruptedReason
	}
	_, why, _ := strings.Cut(r.Reason, "\n")
	return why
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// unfinished are the projects, by id, of which the store says that something is
// half done: releases that are pending or interrupted, jobs that are being moved.
func (s *Service) unfinished(ctx context.Context) (map[int64]bool, error) {
	releases, err := s.store.UnfinishedReleases(ctx)
	if err != nil {
		return nil, fmt.Errorf("list unfinished releases: %w", err)
	}
	relocations, err := s.store.Relocations(ctx)
	if err != nil {
		return nil, fmt.Errorf("list relocations: %w", err)
	}
	out := map[int64]bool{}
	for _, r := range releases {
		out[r.ProjectID] = true
	}
	for _, r := range relocations {
		out[r.ProjectID] = true
	}
	return out, nil
}

// undoLater undoes what a change has left half done in a project: in the background,
// and again until it has worked. When the store cannot say whether anything is left,
// it is tried. What is still left when this control plane ends, the next one undoes.
func (s *Service) undoLater(p store.Project) {
	if s.closing.Err() != nil {
		return
	}
	left, err := s.unfinished(s.closing)
	if err == nil && !left[p.ID] {
		return
	}
	s.undoing.Lock()
	defer s.undoing.Unlock()
	if !s.undoes[p.ID] {
		s.undoes[p.ID] = true
		s.changes.Go(func() { s.undoUntilDone(p) })
	}
}

// undoUntilDone undoes what is half done in a project, until that has worked.
func (s *Service) undoUntilDone(p store.Project) {
	defer func() {
		s.undoing.Lock()
		defer s.undoing.Unlock()
		delete(s.undoes, p.ID)
	}()
	told := ""
	for wait := undoInterval; ; wait = min(2*wait, longestUndoInterval) {
		c := s.quiet(p)
		// locked undoes it; there is nothing to do besides.
		err := panics.Do(func() error { return c.locked(s.closing, goingBack, func(context.Context) error { return nil }) })
		if err == nil || s.closing.Err() != nil {
			return
		}
		if busy, ok := errors.AsType[*api.Problem](err); ok && busy.Code == api.Busy {
			wait = undoInterval // who holds the project begins with it
		} else if text := oneLine(err); text != told {
			s.log.Warn("undo an interrupted change", slog.String("project", p.Name), slog.String("error", text))
			s.logPanic(p, err)
			told = text
		}
		pause(s.closing, wait)
	}
}
