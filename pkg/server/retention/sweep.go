// Package retention removes what projects do not need any more: uploads that broke off,
// trees that were never pushed, and what only releases of long ago refer to.
package retention

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"fngen.dev/fngen/pkg/panics"
	"fngen.dev/fngen/pkg/store"
)

const (
	// unfinishedTime is how long an upload that broke off is kept, and a tree that no
	// push has made a release.
	unfinishedTime = 24 * time.Hour
	sweepEvery     = time.Hour
	// unusedEvery is how often the contents of a project are compared with what
	// refers to them, which reads all its manifests.
	unusedEvery = 24 * time.Hour
	// A release can be brought back, without a build, when it was made or live within
	// keptTime, or is among the KeptLive that were live last.
	keptTime = 7 * 24 * time.Hour
	KeptLive = 20
)

// Rows are what projects have in the store. *store.Store has them.
type Rows interface {
	AllProjects(ctx context.Context) ([]store.Project, error)
	Sweep(ctx context.Context, project int64, r store.Retention) (store.Swept, error)
	EachContent(ctx context.Context, project int64, name func(sha256 string)) error
}

// Contents are what projects have on the disk. *blob.Dir has them.
type Contents interface {
	Sweep(before time.Time, busy func(scope, id string) bool) error
	SweepUnused(scope string, before time.Time, used func(digest string) bool) (bytes int64, err error)
}

// Sweeper removes. All fields are required.
type Sweeper struct {
	Rows     Rows
	Contents Contents
	Log      *slog.Logger
	// Using are the uploads that go on, Busy says whether one content is being sent.
	Using *Using
	Busy  func(scope, id string) bool
}

// Run sweeps now and then until ctx ends.
func (s *Sweeper) Run(ctx context.Context) {
	swept := map[int64]time.Time{}
	for {
		if err := panics.Do(func() error { return s.Sweep(ctx, time.Now(), swept) }); err != nil {
			s.Log.LogAttrs(ctx, slog.LevelError, "sweep uploads", panics.Attrs(err)...)
		}
		select {
		case <-time.After(sweepEvery):
		case <-ctx.Done():
			return
		}
	}
}

// Sweep removes what is older than unfinishedTime and what nothing refers to. swept is
// when each project was last looked through.
func (s *Sweeper) Sweep(ctx context.Context, now time.Time, swept map[int64]time.Time) error {
	before := now.Add(-unfinishedTime)
	errs := []error{s.Contents.Sweep(before, s.Busy)}
	projects, err := s.Rows.AllProjects(ctx)
	errs = append(errs, err)
	for _, p := range projects {
		if now.Sub(swept[p.ID]) < unusedEvery || ctx.Err() != nil {
			continue
		}
		done, err := s.sweepProject(ctx, p, now)
		if done {
			swept[p.ID] = now
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// sweepProject removes what a project does not need any more, unless an upload goes on:
// first rows, then the contents that none of those left refers to. What is left is
// marked before anything is removed.
func (s *Sweeper) sweepProject(ctx context.Context, p store.Project, now time.Time) (done bool, err error) {
	over, ok := s.Using.Sweep(p.Scope())
	if !ok {
		return false, nil
	}
	defer over()
	before := now.Add(-unfinishedTime)
	rows, err := s.Rows.Sweep(ctx, p.ID, store.Retention{Unused: before, Since: now.Add(-keptTime), Live: KeptLive})
	if err != nil {
		return false, err
	}
	var marks marks
	if err := s.Rows.EachContent(ctx, p.ID, marks.add); err != nil {
		return false, err
	}
	marks.settle()
	bytes, err := s.Contents.SweepUnused(p.Scope(), before, marks.has)
	if bytes > 0 || rows != (store.Swept{}) {
		s.Log.LogAttrs(ctx, slog.LevelInfo, "swept a project", slog.String("project", p.Name), slog.Int("trees", rows.Trees),
			slog.Int("layers", rows.Layers), slog.Int("releases", rows.Releases), slog.Int64("bytes", bytes))
	}
	return err == nil, err
}
