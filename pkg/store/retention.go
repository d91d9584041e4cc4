package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

// Retention says what of a project is kept.
type Retention struct {
	// Unused is before when a tree or a layer must have been used last to go. It is
	// more than useAge ago.
	Unused time.Time
	// Since and Live say which releases are kept whole, so that they can be brought
	// back: those that were made or became live since then, the last Live that were
	// live, and all that are not at an end.
	Since time.Time
	Live  int
}

// Swept counts what has gone.
type Swept struct {
	Trees, Layers int
	// Releases are those of which only the history is left.
	Releases int
}

// heldRelease is what retention has to know of a release.
type heldRelease struct {
	number          int
	state           ReleaseState
	created, liveAt time.Time
	tree, layer     string
}

// kept are the numbers of the releases that are kept whole.
func (r Retention) kept(all []heldRelease) map[int]bool {
	out := map[int]bool{}
	wereLive := slices.DeleteFunc(slices.Clone(all), func(h heldRelease) bool { return h.liveAt.UnixMicro() == 0 })
	slices.SortFunc(wereLive, func(a, b heldRelease) int {
		return cmp.Or(b.liveAt.Compare(a.liveAt), cmp.Compare(b.number, a.number))
	})
	for _, h := range wereLive[:min(r.Live, len(wereLive))] {
		out[h.number] = true
	}
	for _, h := range all {
		atAnEnd := h.state == Superseded || h.state == Failed
		if !atAnEnd || !h.created.Before(r.Since) || !h.liveAt.Before(r.Since) {
			out[h.number] = true
		}
	}
	return out
}

// Sweep removes the trees and layers of a project that no release needs which is kept
// whole, and the jobs and events of those that are not. What a push may be about to name was used
// just now, and stays. The history stays for ever.
func (s *Store) Sweep(ctx context.Context, projectID int64, r Retention) (Swept, error) {
	var swept Swept
	err := s.change(ctx, func(tx *sql.Tx) error {
		all, err := heldReleases(ctx, tx, projectID)
		if err != nil {
			return err
		}
		kept := r.kept(all)
		if swept.Trees, err = sweepTrees(ctx, tx, projectID, r, all, kept); err != nil {
			return err
		}
		if swept.Layers, err = sweepLayers(ctx, tx, projectID, r, all, kept); err != nil {
			return err
		}
		if swept.Releases, err = emptyReleases(ctx, tx, projectID, all, kept); err != nil || swept == (Swept{}) {
			return err
		}
		return s.audit(ctx, tx, Actor{}, "project.sweep", fmt.Sprint(projectID),
			detail{"trees": swept.Trees, "layers": swept.Layers, "releases": swept.Releases})
	})
	if err != nil {
		return Swept{}, fmt.Errorf("sweep project %d: %w", projectID, err)
	}
	return swept, nil
}

func heldReleases(ctx context.Context, tx *sql.Tx, projectID int64) ([]heldRelease, error) {
	return collect(ctx, tx, "releases", func(row *sql.Rows) (heldRelease, error) {
		var h heldRelease
		var created, liveAt int64
		err := row.Scan(&h.number, &h.state, &created, &liveAt, &h.tree, &h.layer)
		h.created, h.liveAt = fromMicro(created), fromMicro(liveAt)
		return h, err
	}, `SELECT number, state, created_at, live_at, tree, layer FROM releases WHERE project_id = $1`, projectID)
}

func oneText(row *sql.Rows) (out string, err error) { return out, row.Scan(&out) }

func sweepTrees(ctx context.Context, tx *sql.Tx, projectID int64, r Retention, all []heldRelease, kept map[int]bool) (int, error) {
	needed := map[string]bool{}
	for _, h := range all {
		needed[h.tree] = needed[h.tree] || kept[h.number]
	}
	old, err := collect(ctx, tx, "trees", oneText, `SELECT digest FROM trees WHERE project_id = $1 AND used_at < $2`, projectID, r.Unused.UnixMicro())
	if err != nil {
		return 0, err
	}
	old = slices.DeleteFunc(old, func(digest string) bool { return needed[digest] })
	for _, digest := range old {
		if _, err := tx.ExecContext(ctx, `DELETE FROM trees WHERE project_id = $1 AND digest = $2`, projectID, digest); err != nil {
			return 0, fmt.Errorf("remove tree %s: %w", digest, err)
		}
	}
	return len(old), nil
}

// sweepLayers removes layers, of virtual environments and of static files. Which of the
// latter a release has is in its jobs alone.
func sweepLayers(ctx context.Context, tx *sql.Tx, projectID int64, r Retention, all []heldRelease, kept map[int]bool) (int, error) {
	old, err := collect(ctx, tx, "layers", oneText, `SELECT key FROM layers WHERE project_id = $1 AND used_at < $2`, projectID, r.Unused.UnixMicro())
	if err != nil {
		return 0, err
	}
	for _, h := range all {
		if len(old) == 0 || !kept[h.number] {
			continue
		}
		var jobs []byte
		if err := tx.QueryRowContext(ctx, `SELECT jobs FROM releases WHERE project_id = $1 AND number = $2`, projectID, h.number).Scan(&jobs); err != nil {
			return 0, fmt.Errorf("read jobs of release %d: %w", h.number, err)
		}
		old = slices.DeleteFunc(old, func(key string) bool { return key == h.layer || bytes.Contains(jobs, []byte(key)) })
	}
	for _, key := range old {
		if _, err := tx.ExecContext(ctx, `DELETE FROM layers WHERE project_id = $1 AND key = $2`, projectID, key); err != nil {
			return 0, fmt.Errorf("remove layer %s: %w", key, err)
		}
	}
	return len(old), nil
}

// noJobs is what is left of the jobs of a release that is history.
const noJobs = "[]"

// History reports whether nothing of a release is kept but that it was: it cannot be
// brought back.
func (r Release) History() bool { return string(r.Jobs) == noJobs }

func emptyReleases(ctx context.Context, tx *sql.Tx, projectID int64, all []heldRelease, kept map[int]bool) (n int, err error) {
	const q = `UPDATE releases SET jobs = $1 WHERE project_id = $2 AND number = $3 AND length(jobs) > $4`
	for _, h := range all {
		if kept[h.number] {
			continue
		}
		emptied, err := execCount(ctx, tx, q, []byte(noJobs), projectID, h.number, len(noJobs))
		if err != nil {
			return 0, fmt.Errorf("empty release %d: %w", h.number, err)
		}
		if emptied > 0 {
			if err := forgetEvents(ctx, tx, projectID, h.number); err != nil {
				return 0, err
			}
		}
		n += emptied
	}
	return n, nil
}
