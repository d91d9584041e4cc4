// Package quota holds what is stored to the disk of the control plane, to each project's
// share of it, and to what an account may add in a day.
package quota

import (
	"context"
	"fmt"
	"io"
	"sync"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// Disk tells what is taken of it. *blob.Dir does.
type Disk interface {
	Usage(scope string) (int64, error)
	Free() (int64, error)
}

// Rows tells what the lists of a project's files take. *store.Store does.
type Rows interface {
	TreeBytes(ctx context.Context, project int64) (int64, error)
}

// Bounds are those of the disk, in bytes.
type Bounds struct {
	// Project is what one project may take, 0 for whatever the disk allows; Reserve is
	// what stays free of that.
	Project, Reserve int64
}

// Room holds uploads to the disk of the control plane and to each project's share
// of it, before they are stored.
type Room struct {
	disk   Disk
	rows   Rows
	bounds Bounds
	// payloads is what the large payloads of a project's tasks take, nil without tasks.
	payloads func(store.Project) (int64, error)

	mu sync.Mutex
	// promised is what uploads under way may still take, by scope.
	promised map[string]int64
}

// NewRoom has nothing promised. payloads tells what the large payloads of a project's
// tasks take, and is nil where there are no tasks.
func NewRoom(disk Disk, rows Rows, bounds Bounds, payloads func(store.Project) (int64, error)) *Room {
	return &Room{disk: disk, rows: rows, bounds: bounds, payloads: payloads, promised: map[string]int64{}}
}

// Take promises room for so many bytes until release is called, which is when
// they are stored, or are not.
func (r *Room) Take(ctx context.Context, p store.Project, bytes int64) (release func(), err error) {
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

// Look refuses what Take would refuse.
func (r *Room) Look(ctx context.Context, p store.Project, bytes int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fits(ctx, p, bytes)
}

func (r *Room) fits(ctx context.Context, p store.Project, bytes int64) error {
	if bytes <= 0 {
		return nil
	}
	used, err := r.disk.Usage(p.Scope())
	if err != nil {
		return err
	}
	manifests, err := r.rows.TreeBytes(ctx, p.ID)
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
	if used += r.promised[p.Scope()]; r.bounds.Project > 0 && used+bytes > r.bounds.Project {
		return api.NewProblem(api.NoRoom, "project %q takes %s of the %s that a project may take on this platform; this adds %s",
			p.Name, gigabytes(used), gigabytes(r.bounds.Project), gigabytes(bytes)).
			WithHelp("list in .fnignore what the code does not need; the operator sets the share (FNGEND_PROJECT_QUOTA)")
	}
	free, err := r.disk.Free()
	if err != nil {
		return err
	}
	for _, promised := range r.promised {
		free -= promised
	}
	if free -= r.bounds.Reserve; bytes > free {
		return noRoom(bytes, free)
	}
	return nil
}

// Step is how much room is taken at once for what has no size before its end.
const Step = 16 << 20

// Reader takes room for what it gives, and refuses what there is none for.
type Reader struct {
	ctx     context.Context
	r       io.Reader
	room    *Room
	project store.Project
	left    int64 // of what was taken last
	release func()
}

// NewReader takes room for a project until Close.
func NewReader(ctx context.Context, r io.Reader, room *Room, p store.Project) *Reader {
	return &Reader{ctx: ctx, r: r, room: room, project: p}
}

func (r *Reader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		r.Close() // what came is stored, and counts by itself
		var err error
		if r.release, err = r.room.Take(r.ctx, r.project, Step); err != nil {
			return 0, err
		}
		r.left += Step
	}
	n, err := r.r.Read(p)
	r.left -= int64(n)
	return n, err
}

// Close gives the room back that was taken last.
func (r *Reader) Close() {
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
