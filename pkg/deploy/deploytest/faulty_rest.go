package deploytest

import (
	"context"
	"time"

	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/deploy"
	"fngen.dev/fngen/pkg/lock/locktest"
	"fngen.dev/fngen/pkg/secret"
	"fngen.dev/fngen/pkg/secret/secrettest"
)

type faultySecrets struct {
	*secrettest.Memory
	w *world
}

func (s faultySecrets) Newest(ctx context.Context, project string) (secret.Newest, error) {
	return call(s.w.faults, ctx, "secrets", "Newest", func() (secret.Newest, error) { return s.Memory.Newest(ctx, project) })
}

func (s faultySecrets) Has(ctx context.Context, project string, version int) (bool, error) {
	return call(s.w.faults, ctx, "secrets", "Has", func() (bool, error) { return s.Memory.Has(ctx, project, version) })
}

func (s faultySecrets) Write(ctx context.Context, project string, base int, whole bool, set map[string]string, unset []string) (int, error) {
	if other := s.w.meanwhile; other != nil {
		s.w.meanwhile = nil
		other()
	}
	return call(s.w.faults, ctx, "secrets", "Write", func() (int, error) { return s.Memory.Write(ctx, project, base, whole, set, unset) })
}

func (s faultySecrets) Old(ctx context.Context, project string, before time.Time) ([]int, error) {
	return call(s.w.faults, ctx, "secrets", "Old", func() ([]int, error) { return s.Memory.Old(ctx, project, before) })
}

func (s faultySecrets) Destroy(ctx context.Context, project string, numbers []int) error {
	return do(s.w.faults, ctx, "secrets", "Destroy", func() error { return s.Memory.Destroy(ctx, project, numbers) })
}

func (s faultySecrets) Delete(ctx context.Context, project string) error {
	return do(s.w.faults, ctx, "secrets", "Delete", func() error { return s.Memory.Delete(ctx, project) })
}

type faultyBlobs struct {
	deploy.Blobs
	f *faults
}

func (b faultyBlobs) View(scope string) (*blob.View, error) {
	return call(b.f, context.Background(), "blobs", "View", func() (*blob.View, error) { return b.Blobs.View(scope) })
}

func (b faultyBlobs) DeleteScope(scope string) (count int, bytes int64, err error) {
	err = do(b.f, context.Background(), "blobs", "DeleteScope", func() error { count, bytes, err = b.Blobs.DeleteScope(scope); return err })
	return count, bytes, err
}

// faultyLocks are the locks of a control plane. When it is dead nobody releases them.
type faultyLocks struct {
	*locktest.Locker
	f *faults
}

// Acquire takes a lock. One of which nobody heard that it was taken runs out.
func (l faultyLocks) Acquire(ctx context.Context, name, holder string) (deploy.Lock, error) {
	var taken deploy.Lock
	_, err := call(l.f, ctx, "locks", "Acquire", func() (_ deploy.Lock, err error) {
		taken, err = l.Locker.Acquire(ctx, name, holder)
		return nil, err
	})
	if err != nil && taken != nil {
		time.AfterFunc(lockTime, taken.Release)
	}
	if err != nil {
		return nil, err
	}
	return faultyLock{taken, l.f}, nil
}

type faultyLock struct {
	deploy.Lock
	f *faults
}

// Release lets go of a lock, which runs out where that cannot be told.
func (l faultyLock) Release() {
	if err := do(l.f, context.Background(), "locks", "Release", func() error { l.Lock.Release(); return nil }); err != nil {
		time.AfterFunc(lockTime, l.Lock.Release)
	}
}
