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

// sweep removes what is older than unfinishedTime and what nothing refers to: first
// rows, then contents. swept is when each project was last looked through.
func (s *Server) sweep(ctx context.Context, now time.Time, swept map[int64]time.Time) error {
	before := now.Add(-unfinishedTime)
	busy := func(scope, id string) bool { return s.intakes.taken(partOf(scope, id)) }
	errs := []error{s.Blobs.Sweep(before, busy)}
	trees, err := s.Store.SweepTrees(ctx, before)
	errs = append(errs, err)
	projects, err := s.Store.AllProjects(ctx)
	errs = append(errs, err)
	bytes := int64(0)
	for _, p := range projects {
		if now.Sub(swept[p.ID]) < unusedEvery || ctx.Err() != nil {
			continue
		}
		n, done, err := s.sweepUnused(ctx, p, before)
		if done {
			swept[p.ID] = now
		}
		bytes, errs = bytes+n, append(errs, err)
	}
	if trees > 0 || bytes > 0 {
		s.Log.LogAttrs(ctx, slog.LevelInfo, "swept what was never pushed", slog.Int("trees", trees), slog.Int64("bytes", bytes))
	}
	return errors.Join(errs...)
}

// sweepUnused removes the contents of a project that nothing refers to, unless an
// upload goes on. They are marked before anything is removed.
func (s *Server) sweepUnused(ctx context.Context, p store.Project, before time.Time) (bytes int64, done bool, err error) {
	over, ok := s.using.sweep(p.Scope())
	if !ok {
		return 0, false, nil
	}
	defer over()
	var marks marks
	if err := s.Store.EachContent(ctx, p.ID, marks.add); err != nil {
		return 0, false, err
	}
	marks.settle()
	bytes, err = s.Blobs.SweepUnused(p.Scope(), before, marks.has)
	return bytes, err == nil, err
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
