package server

import (
	"context"
	"fmt"
	"io"
	"sync"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/store"
)

// room holds uploads to the disk of the control plane and to each project's share
// of it, before they are stored.
type room struct {
	blobs *blob.Dir
	store *store.Store
	// quota is what one project may take, 0 for whatever the disk allows; reserve
	// is what stays free of that. Both in bytes.
	quota, reserve int64
	// payloads is what the large payloads of a project's tasks take, nil without tasks.
	payloads func(store.Project) (int64, error)

	mu sync.Mutex
	// promised is what uploads under way may still take, by scope.
	promised map[string]int64
}

func newRoom(blobs *blob.Dir, rows *store.Store, quota, reserve int64) *room {
	return &room{blobs: blobs, store: rows, quota: quota, reserve: reserve, promised: map[string]int64{}}
}

// take promises room for so many bytes until release is called, which is when
// they are stored, or are not.
func (r *room) take(ctx context.Context, p store.Project, bytes int64) (release func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.fits(ctx, p, bytes); err != nil {
		return nil, err
	}
	scope := p.Scope()
	r.promised[scope] += bytes
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.promised[scope] -= bytes; r.promised[scope] == 0 {
			delete(r.promised, scope)
		}
	}, nil
}

// look refuses what take would refuse.
func (r *room) look(ctx context.Context, p store.Project, bytes int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fits(ctx, p, bytes)
}

func (r *room) fits(ctx context.Context, p store.Project, bytes int64) error {
	if bytes <= 0 {
		return nil
	}
	used, err := r.blobs.Usage(p.Scope())
	if err != nil {
		return err
	}
	manifests, err := r.store.TreeBytes(ctx, p.ID)
	if err != nil {
		return err
	}
	used += manifests
	if r.payloads != nil {
		payloads, err := r.payloads(p)
		if err != nil {
			return err
		}
		used += payloads
	}
	if used += r.promised[p.Scope()]; r.quota > 0 && used+bytes > r.quota {
		return api.NewProblem(api.NoRoom, "project %q takes %s of the %s that a project may take on this platform; this adds %s",
			p.Name, gigabytes(used), gigabytes(r.quota), gigabytes(bytes)).
			WithHelp("list in .fnignore what the code does not need; the operator sets the share (FNGEND_PROJECT_QUOTA)")
	}
	free, err := r.blobs.Free()
	if err != nil {
		return err
	}
	for _, promised := range r.promised {
		free -= promised
	}
	if free -= r.reserve; bytes > free {
		return noRoom(bytes, free)
	}
	return nil
}

// roomStep is how much room is taken at once for what has no size before its end.
const roomStep = 16 << 20

// roomReader takes room for what it gives, and refuses what there is none for.
type roomReader struct {
	ctx     context.Context
	r       io.Reader
	room    *room
	project store.Project
	left    int64 // of what was taken last
	release func()
}

func (r *roomReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		r.close() // what came is stored, and counts by itself
		var err error
		if r.release, err = r.room.take(r.ctx, r.project, roomStep); err != nil {
			return 0, err
		}
		r.left += roomStep
	}
	n, err := r.r.Read(p)
	r.left -= int64(n)
	return n, err
}

// close gives the room back that was taken last.
func (r *roomReader) close() {
	if r.release != nil {
		r.release()
		r.release = nil
	}
}

// noRoom is a disk that is full.
func noRoom(bytes, free int64) *api.Problem {
	return api.NewProblem(api.NoRoom, "the platform's disk has room for %s; this adds %s. Nothing of it was stored", gigabytes(max(free, 0)), gigabytes(bytes)).
		WithHelp("tell the operator: the disk of FNGEND_DATA is full")
}

func gigabytes(n int64) string {
	if n < 1e9 {
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}
