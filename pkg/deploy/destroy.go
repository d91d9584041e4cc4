package deploy

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// Destroy removes a project: its jobs with their services and routes, its caches
// on the nodes, its namespace, its blobs and its rows, in this order, so that
// when a step fails the project is still known and destroying it again goes on.
func (s *Service) Destroy(ctx context.Context, actor store.Actor, p store.Project) (api.Destroyed, error) {
	held, err := s.acquire(ctx, p, "a destroy by "+actor.Email, func(string) {})
	if err != nil {
		return api.Destroyed{}, err
	}
	defer held.Release()
	ctx = held.Context()
	out := api.Destroyed{Project: p.Name, Jobs: []string{}}
	ids, err := s.nomad.JobIDs(ctx, p.Name)
	if err != nil {
		return out, err
	}
	stops, stopCtx := errgroup.WithContext(ctx)
	for _, id := range ids {
		stops.Go(func() error { return s.nomad.Stop(stopCtx, p.Name, id) })
	}
	if err := stops.Wait(); err != nil {
		return out, err
	}
	out.Jobs = append(out.Jobs, ids...)
	if err := s.purgeNodes(ctx, p); err != nil {
		return out, err
	}
	if err := s.nomad.DeleteNamespace(ctx, p.Name); err != nil {
		return out, err
	}
	if out.Blobs, out.Bytes, err = s.blobs.DeleteScope(scope(p)); err != nil {
		return out, fmt.Errorf("delete blobs of %q: %w", p.Name, err)
	}
	removed, err := s.store.DeleteProject(ctx, actor, p.ID)
	if err != nil {
		return out, fmt.Errorf("delete rows of %q: %w", p.Name, err)
	}
	out.Releases, out.Layers = removed.Releases, removed.Layers
	return out, nil
}

// purgeNodes removes the project's trees and layers from every node.
func (s *Service) purgeNodes(ctx context.Context, p store.Project) error {
	job, err := jobs.Purge(p.Name, uid(p))
	if err != nil {
		return err
	}
	source, err := jobs.HCL(job)
	if err != nil {
		return err
	}
	if err := s.nomad.RunEverywhere(ctx, job, source); err != nil {
		return fmt.Errorf("purge caches of %q: %w", p.Name, err)
	}
	return nil
}
