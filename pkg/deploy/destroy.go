package deploy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/panics"
	"fngen.dev/fngen/pkg/store"
)

// Destroy removes a project: its jobs with their services and routes, its caches
// on the nodes, its variables, its namespace, its blobs and its rows, in this order, so that
// when a step fails the project is still known and destroying it again goes on:
// each step is well with finding nothing to do.
func (s *Service) Destroy(ctx context.Context, actor store.Actor, p store.Project) (api.Destroyed, error) {
	held, err := s.acquire(ctx, p, "a destroy by "+actor.Email, func(string) {})
	if err != nil {
		return api.Destroyed{}, err
	}
	defer held.Release()
	ctx = held.Context()
	out := api.Destroyed{Project: p.Name, Jobs: []string{}, Variables: []string{}}
	// The caches are purged from within it.
	if err := s.ensureNamespace(ctx, p); err != nil {
		return out, err
	}
	if out.Jobs, err = s.endJobs(ctx, p); err != nil {
		return out, err
	}
	if err := s.noneLive(ctx, actor, p); err != nil {
		return out, err
	}
	if err := s.purgeNodes(ctx, p); err != nil {
		return out, err
	}
	if s.cfg.Tasks != nil {
		if err := s.cfg.Tasks.Forget(ctx, p); err != nil {
			return out, err
		}
	}
	if out.Variables, err = s.forgetVariables(ctx, p); err != nil {
		return out, err
	}
	if err := s.nomad.DeleteNamespace(ctx, p.Name); err != nil {
		return out, err
	}
	out.Logs, out.LogsGone = s.forgetLogs(ctx, p)
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

// forgetVariables deletes the variables: whoever gets the name next must not get what was
// set for this one. It returns the names that the next push would have taken.
func (s *Service) forgetVariables(ctx context.Context, p store.Project) ([]string, error) {
	version, err := s.store.CurrentVariables(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	kept := s.newChange(p).variables()
	known, err := kept.Known(ctx, version)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, v := range known {
		names = append(names, v.Name)
	}
	return names, kept.Problem(s.secrets.Delete(ctx, p.Name))
}

// forgetLogs says what becomes of the project's log. That it cannot be deleted now is
// no reason to keep the project: it ends by itself, and no other project reads it.
func (s *Service) forgetLogs(ctx context.Context, p store.Project) (state string, gone time.Time) {
	if s.cfg.Journal == nil {
		return "", gone
	}
	gone, err := s.cfg.Journal.Forget(ctx, p)
	if err != nil {
		s.log.Warn("delete log", slog.String("project", p.Name), slog.Any("error", err))
		return api.LogsExpire, time.Time{}
	}
	return api.LogsDeleted, gone.UTC().Truncate(time.Second)
}

// endJobs ends all jobs of a project.
func (s *Service) endJobs(ctx context.Context, p store.Project) ([]string, error) {
	ids, err := s.nomad.JobIDs(ctx, p.Name)
	if err != nil {
		return []string{}, err
	}
	err = panics.Each(ctx, ids, func(ctx context.Context, id string) error { return s.nomad.End(ctx, p.Name, id) })
	return orNone(ids), err
}

// noneLive notes that no release runs any more. When the rest of a destroy does not
// come to pass, nothing of the project is put back by itself, and a push begins
// anew.
func (s *Service) noneLive(ctx context.Context, actor store.Actor, p store.Project) error {
	releases, err := s.store.Releases(ctx, p.ID)
	if err != nil {
		return err
	}
	for _, r := range releases {
		switch r.State {
		case store.Live:
			err = s.store.SetReleaseState(ctx, actor, p.ID, r.Number, store.Superseded, "")
		case store.Pending, store.Interrupted:
			err = s.store.SetReleaseState(ctx, actor, p.ID, r.Number, store.Failed, interruptedReason)
		}
		if err != nil {
			return fmt.Errorf("settle release %d: %w", r.Number, err)
		}
	}
	return nil
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
	err = s.nomad.RunSysbatch(ctx, job, source)
	if failure, ok := errors.AsType[*nomad.Failure](err); ok {
		return api.NewProblem(api.Failed, "the functions of %q have been stopped, but what it has on the nodes could not be removed: %s", p.Name, failure.Reason).
			WithHelp("destroy it again: what was done is not done again")
	}
	if err != nil {
		return fmt.Errorf("purge caches of %q: %w", p.Name, err)
	}
	return nil
}
