package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/power"
	"fngen.dev/fngen/pkg/store"
)

// Create makes a project and its namespace.
func (s *Service) Create(ctx context.Context, actor store.Actor, name string) (store.Project, error) {
	if !ir.ValidProjectName(name) {
		return store.Project{}, api.NewProblem(api.Invalid, "%q cannot be a project's name", name).
			WithHelp("use lower-case letters, digits and single hyphens, a letter first, 40 characters at most; some names, such as api and www, belong to the platform")
	}
	// A caller that leaves does not leave half a project.
	ctx = context.WithoutCancel(ctx)
	p, err := s.store.CreateProject(ctx, actor, name)
	if errors.Is(err, store.ErrExists) {
		return store.Project{}, s.taken(ctx, actor, name)
	}
	if err != nil {
		return store.Project{}, err
	}
	if err := s.nomad.EnsureNamespace(ctx, name, "fngen project "+name); err != nil {
		_, undo := s.store.DeleteProject(ctx, actor, p.ID)
		return store.Project{}, errors.Join(err, undo)
	}
	return p, nil
}

// taken says whose a name is that exists already. One of the account's own may be
// what it has begun to create before and was not told of.
func (s *Service) taken(ctx context.Context, actor store.Actor, name string) error {
	if p, err := s.store.ProjectByName(ctx, name); err == nil && p.AccountID == actor.AccountID {
		return api.NewProblem(api.Exists, "you have a project %q already", name).WithHelp("push to it: fngen push %s PATH", name)
	}
	return api.NewProblem(api.Exists, "the name %q is taken", name).
		WithHelp("a project's name is its address on this platform, so each exists once: choose another")
}

// standing refuses what waited for its turn with a project that was destroyed
// meanwhile: another one may have its name, and its namespace, by now.
func (s *Service) standing(ctx context.Context, p store.Project) error {
	now, err := s.store.ProjectByName(ctx, p.Name)
	if errors.Is(err, store.ErrNotFound) || err == nil && now.ID != p.ID {
		return api.NewProblem(api.NotFound, "project %q was destroyed meanwhile", p.Name)
	}
	if err != nil {
		return fmt.Errorf("read project %q: %w", p.Name, err)
	}
	return nil
}

// ensureNamespace makes the place of a project in Nomad unless it is there: what
// created or destroyed it may have been cut short. Whoever calls it holds the
// project.
func (s *Service) ensureNamespace(ctx context.Context, p store.Project) error {
	if err := s.standing(ctx, p); err != nil {
		return err
	}
	return s.nomad.EnsureNamespace(ctx, p.Name, "fngen project "+p.Name)
}

// Platform tells what a client must know before it compiles.
func (s *Service) Platform(ctx context.Context) (api.Platform, error) {
	target, err := s.target(ctx)
	if err != nil {
		return api.Platform{}, err
	}
	return api.Platform{
		Version: s.cfg.Version, Domain: s.cfg.Cluster.Domain,
		Regions: target.Regions, DefaultRegion: target.DefaultRegion, Pythons: target.Pythons, Powers: target.Powers,
	}, nil
}

func (s *Service) target(ctx context.Context) (compiler.Target, error) {
	regions, err := s.nomad.Datacenters(ctx, s.cfg.Cluster.BuildClass)
	if err != nil {
		return compiler.Target{}, fmt.Errorf("find regions: %w", err)
	}
	out := compiler.Target{Regions: regions, DefaultRegion: s.cfg.DefaultRegion, Domain: s.cfg.Cluster.Domain, Pythons: s.cfg.Pythons, Powers: power.Names(s.cfg.Tasks != nil)}
	if !slices.Contains(regions, out.DefaultRegion) && len(regions) > 0 {
		out.DefaultRegion = regions[0]
	}
	return out, nil
}

// LiveStatic are the keys of the static files that the live release serves.
func (s *Service) LiveStatic(ctx context.Context, p store.Project) ([]string, error) {
	c := s.newChange(p)
	if err := c.readLive(ctx); err != nil || c.liveRelease == nil {
		return nil, err
	}
	statics, err := jobs.Statics(c.LiveIR, jobs.Release{Tree: c.liveRelease.Tree, Layer: c.liveRelease.Layer, UID: uid(p), Env: c.liveRelease.EnvVersion}, s.cfg.Cluster)
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, static := range statics {
		keys = append(keys, static.Key)
	}
	return keys, nil
}
