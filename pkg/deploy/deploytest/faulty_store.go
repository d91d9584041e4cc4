package deploytest

import (
	"context"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/deploy"
	"fngen.dev/fngen/pkg/store"
)

type faultyStore struct {
	deploy.Store
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

func (s faultyStore) AddEvents(ctx context.Context, e store.Events) error {
	return do(s.f, ctx, "store", "AddEvents", func() error { return s.Store.AddEvents(ctx, e) })
}

func (s faultyStore) Events(ctx context.Context, id int64, number, after int) ([]store.Events, error) {
	return call(s.f, ctx, "store", "Events", func() ([]store.Events, error) { return s.Store.Events(ctx, id, number, after) })
}

func (s faultyStore) ForgetEvents(ctx context.Context, id int64, number int) error {
	return do(s.f, ctx, "store", "ForgetEvents", func() error { return s.Store.ForgetEvents(ctx, id, number) })
}
