package deploy

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/lock/locktest"
	"fngen.dev/fngen/pkg/secret"
	"fngen.dev/fngen/pkg/secret/secrettest"
	"fngen.dev/fngen/pkg/store"
)

// how a call is spoiled.
type how string

const (
	fails  how = "fails"       // it has no effect
	hangs  how = "hangs"       // it has no effect and is given up after a while
	late   how = "late"        // it has its effect, and the answer is lost
	away   how = "goes away"   // it and all that follow on its side fail for a while
	dies   how = "dies"        // the control plane is killed in it
	dieing how = "dies behind" // the control plane is killed when it has its effect
	panics how = "panics"
)

const (
	hangTime = 45 * time.Second
	awayTime = 40 * time.Second
)

var errSpoiled = errors.New("spoiled")

// faults spoils one of the calls that a control plane makes.
type faults struct {
	mu    sync.Mutex
	calls []string
	// at is the call, counted from 1; 0 is none. named is one by its name.
	at    int
	named string
	how   how
	// side is what has gone away until a time.
	side  string
	until time.Time
	dead  bool
	// killed hears that the control plane is dead.
	killed func()
}

// verdict counts a call and says what becomes of it.
func (f *faults) verdict(side, name string) how {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		return fails
	}
	f.calls = append(f.calls, side+"."+name)
	if f.named == side+"."+name {
		f.named, f.at = "", len(f.calls)
	}
	if f.at == 0 || len(f.calls) != f.at {
		if side == f.side && time.Now().Before(f.until) {
			return fails
		}
		return ""
	}
	switch f.how {
	case away:
		f.side, f.until = side, time.Now().Add(awayTime)
		return fails
	case dies, dieing:
		f.dead = true
	}
	return f.how
}

// begin spoils a call from now on; at 0 counts calls only.
func (f *faults) begin(at int, how how) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.at, f.how = nil, at, how
}

// name spoils the next call of a name.
func (f *faults) name(call string, how how) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.named, f.how = call, how
}

// gone takes a side away for a while.
func (f *faults) gone(side string, d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.side, f.until = side, time.Now().Add(d)
}

func (f *faults) isGone(side string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.side == side && time.Now().Before(f.until)
}

// back is when nothing fails any more.
func (f *faults) back() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Until(f.until)
}

// end spoils no more, and returns the calls that were made.
func (f *faults) end() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = 0
	return slices.Clone(f.calls)
}

func call[T any](f *faults, ctx context.Context, side, name string, do func() (T, error)) (T, error) {
	var none T
	switch v := f.verdict(side, name); v {
	case "":
		out, err := do()
		if f.isGone(side) { // meanwhile: it has its effect
			return none, errSpoiled
		}
		return out, err
	case hangs:
		pause(ctx, hangTime)
	case late:
		_, _ = do()
	case dieing:
		_, _ = do()
		f.killed()
	case dies:
		f.killed()
	case panics:
		panic("spoiled " + side + "." + name)
	}
	if err := ctx.Err(); err != nil {
		return none, err
	}
	return none, errSpoiled
}

func do(f *faults, ctx context.Context, side, name string, what func() error) error {
	_, err := call(f, ctx, side, name, func() (struct{}, error) { return struct{}{}, what() })
	return err
}

type faultyNomad struct {
	Scheduler
	f *faults
}

func (n faultyNomad) EnsureNamespace(ctx context.Context, name, description string) error {
	return do(n.f, ctx, "nomad", "EnsureNamespace", func() error { return n.Scheduler.EnsureNamespace(ctx, name, description) })
}

func (n faultyNomad) DeleteNamespace(ctx context.Context, name string) error {
	return do(n.f, ctx, "nomad", "DeleteNamespace", func() error { return n.Scheduler.DeleteNamespace(ctx, name) })
}

func (n faultyNomad) Datacenters(ctx context.Context, except string) ([]string, error) {
	return call(n.f, ctx, "nomad", "Datacenters", func() ([]string, error) { return n.Scheduler.Datacenters(ctx, except) })
}

func (n faultyNomad) Plan(ctx context.Context, job *nomadapi.Job) (nomad.Plan, error) {
	return call(n.f, ctx, "nomad", "Plan", func() (nomad.Plan, error) { return n.Scheduler.Plan(ctx, job) })
}

func (n faultyNomad) Room(ctx context.Context, namespace string) (nomad.Room, error) {
	return call(n.f, ctx, "nomad", "Room", func() (nomad.Room, error) { return n.Scheduler.Room(ctx, namespace) })
}

func (n faultyNomad) Place(ctx context.Context, job *nomadapi.Job, index uint64, source []byte) (string, error) {
	return call(n.f, ctx, "nomad", "Place", func() (string, error) { return n.Scheduler.Place(ctx, job, index, source) })
}

func (n faultyNomad) Follow(ctx context.Context, job *nomadapi.Job, deployment string, o nomad.Observer) (nomad.Rollout, error) {
	return call(n.f, ctx, "nomad", "Follow", func() (nomad.Rollout, error) { return n.Scheduler.Follow(ctx, job, deployment, o) })
}

func (n faultyNomad) RunBatch(ctx context.Context, job *nomadapi.Job, source []byte, o nomad.BatchObserver) error {
	return do(n.f, ctx, "nomad", "RunBatch", func() error { return n.Scheduler.RunBatch(ctx, job, source, o) })
}

func (n faultyNomad) RunEverywhere(ctx context.Context, job *nomadapi.Job, source []byte) error {
	return do(n.f, ctx, "nomad", "RunEverywhere", func() error { return n.Scheduler.RunEverywhere(ctx, job, source) })
}

func (n faultyNomad) Settle(ctx context.Context, namespace string) (bool, error) {
	return call(n.f, ctx, "nomad", "Settle", func() (bool, error) { return n.Scheduler.Settle(ctx, namespace) })
}

func (n faultyNomad) Stop(ctx context.Context, namespace, id string) error {
	return do(n.f, ctx, "nomad", "Stop", func() error { return n.Scheduler.Stop(ctx, namespace, id) })
}

func (n faultyNomad) End(ctx context.Context, namespace, id string) error {
	return do(n.f, ctx, "nomad", "End", func() error { return n.Scheduler.End(ctx, namespace, id) })
}

func (n faultyNomad) JobIDs(ctx context.Context, namespace string) ([]string, error) {
	return call(n.f, ctx, "nomad", "JobIDs", func() ([]string, error) { return n.Scheduler.JobIDs(ctx, namespace) })
}

func (n faultyNomad) Instances(ctx context.Context, namespace, id string) ([]nomad.Instance, error) {
	return call(n.f, ctx, "nomad", "Instances", func() ([]nomad.Instance, error) { return n.Scheduler.Instances(ctx, namespace, id) })
}

func (n faultyNomad) Tag(ctx context.Context, namespace, id, name, description string) error {
	return do(n.f, ctx, "nomad", "Tag", func() error { return n.Scheduler.Tag(ctx, namespace, id, name, description) })
}

func (n faultyNomad) On(ctx context.Context, node string) ([]nomad.Place, error) {
	return call(n.f, ctx, "nomad", "On", func() ([]nomad.Place, error) { return n.Scheduler.On(ctx, node) })
}

type faultyStore struct {
	Store
	f *faults
}

func (s faultyStore) DeleteProject(ctx context.Context, a store.Actor, id int64) (store.Removed, error) {
	return call(s.f, ctx, "store", "DeleteProject", func() (store.Removed, error) { return s.Store.DeleteProject(ctx, a, id) })
}

func (s faultyStore) ProjectByName(ctx context.Context, name string) (store.Project, error) {
	return call(s.f, ctx, "store", "ProjectByName", func() (store.Project, error) { return s.Store.ProjectByName(ctx, name) })
}

func (s faultyStore) NextRelease(ctx context.Context, id int64) (int, error) {
	return call(s.f, ctx, "store", "NextRelease", func() (int, error) { return s.Store.NextRelease(ctx, id) })
}

func (s faultyStore) UnfinishedReleases(ctx context.Context) ([]store.Release, error) {
	return call(s.f, ctx, "store", "UnfinishedReleases", func() ([]store.Release, error) { return s.Store.UnfinishedReleases(ctx) })
}

func (s faultyStore) Tree(ctx context.Context, id int64, digest string) (source.Manifest, error) {
	return call(s.f, ctx, "store", "Tree", func() (source.Manifest, error) { return s.Store.Tree(ctx, id, digest) })
}

func (s faultyStore) Layer(ctx context.Context, id int64, key string) (store.Layer, error) {
	return call(s.f, ctx, "store", "Layer", func() (store.Layer, error) { return s.Store.Layer(ctx, id, key) })
}

func (s faultyStore) LayersLike(ctx context.Context, id int64, prefix string) ([]string, error) {
	return call(s.f, ctx, "store", "LayersLike", func() ([]string, error) { return s.Store.LayersLike(ctx, id, prefix) })
}

func (s faultyStore) AddRelease(ctx context.Context, a store.Actor, r store.Release) (store.Release, error) {
	return call(s.f, ctx, "store", "AddRelease", func() (store.Release, error) { return s.Store.AddRelease(ctx, a, r) })
}

func (s faultyStore) SetReleaseState(ctx context.Context, a store.Actor, id int64, number int, state store.ReleaseState, reason string) error {
	return do(s.f, ctx, "store", "SetReleaseState "+string(state), func() error { return s.Store.SetReleaseState(ctx, a, id, number, state, reason) })
}

func (s faultyStore) LiveRelease(ctx context.Context, id int64) (store.Release, error) {
	return call(s.f, ctx, "store", "LiveRelease", func() (store.Release, error) { return s.Store.LiveRelease(ctx, id) })
}

func (s faultyStore) Release(ctx context.Context, id int64, number int) (store.Release, error) {
	return call(s.f, ctx, "store", "Release", func() (store.Release, error) { return s.Store.Release(ctx, id, number) })
}

func (s faultyStore) Releases(ctx context.Context, id int64) ([]store.Release, error) {
	return call(s.f, ctx, "store", "Releases", func() ([]store.Release, error) { return s.Store.Releases(ctx, id) })
}

func (s faultyStore) AllProjects(ctx context.Context) ([]store.Project, error) {
	return call(s.f, ctx, "store", "AllProjects", func() ([]store.Project, error) { return s.Store.AllProjects(ctx) })
}

func (s faultyStore) BeginRelocation(ctx context.Context, a store.Actor, r store.Relocation) error {
	return do(s.f, ctx, "store", "BeginRelocation", func() error { return s.Store.BeginRelocation(ctx, a, r) })
}

func (s faultyStore) EndRelocation(ctx context.Context, r store.Relocation) error {
	return do(s.f, ctx, "store", "EndRelocation", func() error { return s.Store.EndRelocation(ctx, r) })
}

func (s faultyStore) Relocations(ctx context.Context) ([]store.Relocation, error) {
	return call(s.f, ctx, "store", "Relocations", func() ([]store.Relocation, error) { return s.Store.Relocations(ctx) })
}

func (s faultyStore) CurrentVariables(ctx context.Context, id int64) (int, error) {
	return call(s.f, ctx, "store", "CurrentVariables", func() (int, error) { return s.Store.CurrentVariables(ctx, id) })
}

func (s faultyStore) SaveVariables(ctx context.Context, a store.Actor, id int64, v store.Variables) error {
	return do(s.f, ctx, "store", "SaveVariables", func() error { return s.Store.SaveVariables(ctx, a, id, v) })
}

func (s faultyStore) SetCurrentVariables(ctx context.Context, a store.Actor, id int64, version int) error {
	return do(s.f, ctx, "store", "SetCurrentVariables", func() error { return s.Store.SetCurrentVariables(ctx, a, id, version) })
}

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
	Blobs
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
func (l faultyLocks) Acquire(ctx context.Context, name, holder string) (Lock, error) {
	var taken Lock
	_, err := call(l.f, ctx, "locks", "Acquire", func() (_ Lock, err error) {
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
	Lock
	f *faults
}

// Release lets go of a lock, which runs out where that cannot be told.
func (l faultyLock) Release() {
	if err := do(l.f, context.Background(), "locks", "Release", func() error { l.Lock.Release(); return nil }); err != nil {
		time.AfterFunc(lockTime, l.Lock.Release)
	}
}
