package server

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"time"

	"fngen.dev/fngen/pkg/guard"
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
	// keptTime, or is among the keptLive that were live last.
	keptTime = 7 * 24 * time.Hour
	keptLive = 20
)

// Sweep removes what uploads have begun and left, now and then until ctx ends.
func (s *Server) Sweep(ctx context.Context) {
	swept := map[int64]time.Time{}
	for {
		if err := guard.Do(func() error { return s.sweep(ctx, time.Now(), swept) }); err != nil {
			s.Log.LogAttrs(ctx, slog.LevelError, "sweep uploads", faultAttrs(err)...)
		}
		select {
		case <-time.After(sweepEvery):
		case <-ctx.Done():
			return
		}
	}
}

// sweep removes what is older than unfinishedTime and what nothing refers to. swept is
// when each project was last looked through.
func (s *Server) sweep(ctx context.Context, now time.Time, swept map[int64]time.Time) error {
	before := now.Add(-unfinishedTime)
	busy := func(scope, id string) bool { return s.intakes.taken(partOf(scope, id)) }
	errs := []error{s.Blobs.Sweep(before, busy)}
	projects, err := s.Store.AllProjects(ctx)
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
func (s *Server) sweepProject(ctx context.Context, p store.Project, now time.Time) (done bool, err error) {
	over, ok := s.using.sweep(p.Scope())
	if !ok {
		return false, nil
	}
	defer over()
	before := now.Add(-unfinishedTime)
	rows, err := s.Store.Sweep(ctx, p.ID, store.Retention{Unused: before, Since: now.Add(-keptTime), Live: keptLive})
	if err != nil {
		return false, err
	}
	var marks marks
	if err := s.Store.EachContent(ctx, p.ID, marks.add); err != nil {
		return false, err
	}
	marks.settle()
	bytes, err := s.Blobs.SweepUnused(p.Scope(), before, marks.has)
	if bytes > 0 || rows != (store.Swept{}) {
		s.Log.LogAttrs(ctx, slog.LevelInfo, "swept a project", slog.String("project", p.Name), slog.Int("trees", rows.Trees),
			slog.Int("layers", rows.Layers), slog.Int("releases", rows.Releases), slog.Int64("bytes", bytes))
	}
	return err == nil, err
}

// marks are the contents that are used, by the first 8 bytes of their digests, so that
// millions take little memory: what happens to be like one that is used stays.
type marks struct {
	all     []uint64
	settled int // the first so many are sorted, each once
}

func (m *marks) add(digest string) {
	if m.all = append(m.all, short(digest)); len(m.all) > 1<<16 && len(m.all) > 2*m.settled {
		m.settle()
	}
}

func (m *marks) settle() {
	slices.Sort(m.all)
	m.all = slices.Compact(m.all)
	m.settled = len(m.all)
}

func (m *marks) has(digest string) bool {
	_, ok := slices.BinarySearch(m.all, short(digest))
	return ok
}

// short is the beginning of a digest; what is none is like all others that are none.
func short(digest string) uint64 {
	var b [8]byte
	_, _ = hex.Decode(b[:], []byte(digest[:min(len(digest), 16)]))
	return binary.BigEndian.Uint64(b[:])
}
