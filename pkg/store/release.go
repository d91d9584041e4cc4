package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ReleaseState is where a release stands.
//
//	pending -> live -> superseded -> pending   (brought back by a rollback)
//	 |  \_______ \___-> failed
//	 \-> interrupted -> failed, or superseded   (what was live is back)
type ReleaseState string

// A project has at most one live release.
const (
	Pending ReleaseState = "pending"
	// Interrupted is one that did not come up and of which something may still run:
	// going back has not worked yet, and is tried until it has.
	Interrupted ReleaseState = "interrupted"
	Live        ReleaseState = "live"
	Failed      ReleaseState = "failed"
	Superseded  ReleaseState = "superseded"
)

// moves are the legal changes. What failed stays failed: trying again is a new
// release. A superseded one that is brought back is pending until it is live, and
// superseded again when it does not come up.
var moves = map[ReleaseState][]ReleaseState{
	Pending:     {Live, Failed, Superseded, Interrupted},
	Interrupted: {Failed, Superseded},
	Live:        {Superseded, Failed},
	Superseded:  {Pending},
}

// Release is one push, as it was compiled. Only its state changes.
type Release struct {
	ProjectID int64
	// Number counts from 1 in each project.
	Number int
	// Tree is the manifest's digest; Entry the one file that was pushed, or empty.
	Tree, Entry string
	// Layer is a layer's key, empty when there is nothing to install.
	Layer      string
	EnvVersion int
	// IR and Jobs are JSON.
	IR, Jobs []byte
	State    ReleaseState
	// Reason says why it failed. When the release is interrupted, the first line says why
	// it is not undone yet.
	Reason string
	// By is the address of who pushed.
	By        string
	CreatedAt time.Time
	// LiveAt is when it last became live; zero when it never was.
	LiveAt time.Time
}

const releaseColumns = `SELECT project_id, number, tree, entry, layer, env_version, ir, jobs, state, reason, created_by, created_at, live_at FROM releases `

const nextNumber = `SELECT COALESCE(MAX(number), 0) + 1 FROM releases WHERE project_id = $1`

func scanRelease(row scanner) (Release, error) {
	var r Release
	var at, liveAt int64
	err := row.Scan(&r.ProjectID, &r.Number, &r.Tree, &r.Entry, &r.Layer, &r.EnvVersion, &r.IR, &r.Jobs, &r.State, &r.Reason, &r.By, &at, &liveAt)
	r.CreatedAt = fromMicro(at)
	if liveAt > 0 {
		r.LiveAt = fromMicro(liveAt)
	}
	return r, err
}

// AddRelease keeps r as the project's next release, in state pending. It sets
// Number, State, CreatedAt, and By when it is empty.
func (s *Store) AddRelease(ctx context.Context, actor Actor, r Release) (Release, error) {
	r.State, r.CreatedAt = Pending, s.now().UTC()
	if r.By == "" {
		r.By = actor.Email
	}
	r.IR, r.Jobs = orEmpty(r.IR), orEmpty(r.Jobs)
	err := s.change(ctx, func(tx *sql.Tx) error {
		// The transaction holds the only write lock from its beginning, and the
		// primary key guards the number besides.
		next := tx.QueryRowContext(ctx, nextNumber, r.ProjectID)
		if err := next.Scan(&r.Number); err != nil {
			return fmt.Errorf("number release: %w", err)
		}
		const q = `INSERT INTO releases (project_id, number, tree, entry, layer, env_version, ir, jobs, state, reason, created_by, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`
		if _, err := tx.ExecContext(ctx, q, r.ProjectID, r.Number, r.Tree, r.Entry, r.Layer, r.EnvVersion, r.IR, r.Jobs,
			string(r.State), r.Reason, r.By, r.CreatedAt.UnixMicro()); err != nil {
			return fmt.Errorf("add release %d: %w", r.Number, err)
		}
		return s.audit(ctx, tx, actor, "release.create", releaseName(r.ProjectID, r.Number), detail{"tree": r.Tree, "layer": r.Layer})
	})
	if err != nil {
		return Release{}, err
	}
	return r, nil
}

// SetReleaseState moves a release; a move that is not in the table is ErrState.
// Making one live supersedes the one that was, in the same transaction. Setting
// the state that it has changes nothing, but for the reason of one that is
// interrupted.
func (s *Store) SetReleaseState(ctx context.Context, actor Actor, projectID int64, number int, state ReleaseState, reason string) error {
	reason = plain(reason)
	return s.change(ctx, func(tx *sql.Tx) error {
		var from ReleaseState
		var before string
		row := tx.QueryRowContext(ctx, `SELECT state, reason FROM releases WHERE project_id = $1 AND number = $2`, projectID, number)
		if err := row.Scan(&from, &before); err != nil {
			return missing(err, "release %d", number)
		}
		again := from == Interrupted && state == Interrupted && before != reason
		if from == state && !again {
			return nil
		}
		if !again && !slices.Contains(moves[from], state) {
			return fmt.Errorf("release %d: %w from %s to %s", number, ErrState, from, state)
		}
		d := detail{"from": from, "to": state, "reason": reason}
		if state == Live {
			former, err := supersede(ctx, tx, projectID)
			if err != nil {
				return err
			}
			d["superseded"] = former
			if err := takeVariables(ctx, tx, projectID, number); err != nil {
				return err
			}
		}
		const q = `UPDATE releases SET state = $1, reason = $2, live_at = CASE WHEN $1 = 'live' THEN $3 ELSE live_at END
			WHERE project_id = $4 AND number = $5`
		if _, err := tx.ExecContext(ctx, q, string(state), reason, s.now().UnixMicro(), projectID, number); err != nil {
			return fmt.Errorf("set state of release %d: %w", number, err)
		}
		return s.audit(ctx, tx, actor, "release."+string(state), releaseName(projectID, number), d)
	})
}

// supersede takes the live release down and returns its number, 0 for none.
func supersede(ctx context.Context, tx *sql.Tx, projectID int64) (int, error) {
	var number int
	const q = `UPDATE releases SET state = 'superseded' WHERE project_id = $1 AND state = 'live' RETURNING number`
	err := tx.QueryRowContext(ctx, q, projectID).Scan(&number)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("supersede live release: %w", err)
	}
	return number, nil
}

// LiveRelease returns the live release, or ErrNotFound.
func (s *Store) LiveRelease(ctx context.Context, projectID int64) (Release, error) {
	r, err := scanRelease(s.read.QueryRowContext(ctx, releaseColumns+`WHERE project_id = $1 AND state = 'live'`, projectID))
	if err != nil {
		return Release{}, missing(err, "live release")
	}
	return r, nil
}

// Release returns one release, or ErrNotFound.
func (s *Store) Release(ctx context.Context, projectID int64, number int) (Release, error) {
	r, err := scanRelease(s.read.QueryRowContext(ctx, releaseColumns+`WHERE project_id = $1 AND number = $2`, projectID, number))
	if err != nil {
		return Release{}, missing(err, "release %d", number)
	}
	return r, nil
}

// Releases returns the releases of a project, newest first.
func (s *Store) Releases(ctx context.Context, projectID int64) ([]Release, error) {
	return collect(ctx, s.read, "releases", func(row *sql.Rows) (Release, error) { return scanRelease(row) },
		releaseColumns+`WHERE project_id = $1 ORDER BY number DESC`, projectID)
}

// NextRelease returns the number that the next release of a project gets.
func (s *Store) NextRelease(ctx context.Context, projectID int64) (int, error) {
	var number int
	row := s.read.QueryRowContext(ctx, nextNumber, projectID)
	if err := row.Scan(&number); err != nil {
		return 0, fmt.Errorf("number release: %w", err)
	}
	return number, nil
}

// UnfinishedReleases returns what is pending or interrupted in any project, oldest
// first. When the control plane starts, these are the changes that are to be undone.
func (s *Store) UnfinishedReleases(ctx context.Context) ([]Release, error) {
	return collect(ctx, s.read, "releases", func(row *sql.Rows) (Release, error) { return scanRelease(row) },
		releaseColumns+`WHERE state IN ('pending', 'interrupted') ORDER BY created_at, project_id, number`)
}

func releaseName(projectID int64, number int) string { return fmt.Sprintf("%d/%d", projectID, number) }

func orEmpty(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
