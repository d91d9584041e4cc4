package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/power"
	"fngen.dev/fngen/pkg/store"
)

// Status tells what of a project runs now, as Nomad sees it.
func (s *Service) Status(ctx context.Context, p store.Project) (api.Status, error) {
	out := api.Status{Project: p.Name, Functions: []api.FunctionStatus{}, Queues: []api.QueueStatus{}}
	live, project, err := s.liveProject(ctx, p)
	if err != nil {
		return out, err
	}
	if out.Problem, err = s.trouble(ctx, p); err != nil {
		return out, err
	}
	out.State, err = s.state(ctx, p, live.Number, out.Problem)
	if err != nil || live.Number == 0 {
		return out, err
	}
	out.Release = live.Number
	servers := map[string]ir.Server{}
	for _, srv := range project.Servers {
		servers[srv.Name] = srv
	}
	for _, f := range project.Functions {
		instances, err := s.nomad.Instances(ctx, p.Name, jobs.ID(f))
		if err != nil {
			return out, err
		}
		status := api.FunctionStatus{
			Name: f.Name, Power: string(f.Power), URL: power.URL(f, s.cfg.Cluster), Instances: []api.InstanceStatus{},
		}
		for _, i := range instances {
			status.Instances = append(status.Instances, instanceStatus(i, servers[i.Group]))
		}
		out.Functions = append(out.Functions, status)
	}
	out.URL = power.ProjectURL(project, s.cfg.Cluster)
	out.Queues, err = s.queueStatus(ctx, p, &project)
	return out, err
}

// List fills in what `fngen projects` shows.
func (s *Service) List(page []store.Summary) ([]api.Project, error) {
	out := []api.Project{}
	for _, p := range page {
		line := api.Project{Name: p.Name, Release: p.Live, State: stateOf(p.Interrupted, p.Live > 0, p.Tried), CreatedAt: p.CreatedAt}
		if p.Live > 0 {
			var project ir.Project
			if err := json.Unmarshal(p.IR, &project); err != nil {
				return nil, fmt.Errorf("decode release %d of %q: %w", p.Live, p.Name, err)
			}
			line.URL = power.ProjectURL(project, s.cfg.Cluster)
		}
		out = append(out, line)
	}
	return out, nil
}

// liveProject reads the live release; without one both results are zero.
func (s *Service) liveProject(ctx context.Context, p store.Project) (store.Release, ir.Project, error) {
	var project ir.Project
	live, err := s.store.LiveRelease(ctx, p.ID)
	if errors.Is(err, store.ErrNotFound) {
		return store.Release{}, project, nil
	}
	if err != nil {
		return store.Release{}, project, fmt.Errorf("read live release of %q: %w", p.Name, err)
	}
	if err := json.Unmarshal(live.IR, &project); err != nil {
		return store.Release{}, project, fmt.Errorf("decode release %d of %q: %w", live.Number, p.Name, err)
	}
	return live, project, nil
}

// trouble says what is known to be wrong with what runs: a release was interrupted
// and is not undone yet. It is empty when nothing is.
func (s *Service) trouble(ctx context.Context, p store.Project) (string, error) {
	left, err := s.store.UnfinishedReleases(ctx)
	if err != nil {
		return "", fmt.Errorf("list unfinished releases: %w", err)
	}
	for _, r := range left {
		if r.ProjectID == p.ID && r.State == store.Interrupted {
			what, _, _ := strings.Cut(r.Reason, "\n")
			return fmt.Sprintf("release %d was interrupted and is %s; it is tried again", r.Number, what), nil
		}
	}
	return "", nil
}

// state is what stateOf says of a project. Whether one that is not live was ever tried
// is asked only of such.
func (s *Service) state(ctx context.Context, p store.Project, live int, problem string) (string, error) {
	next := 0
	if live == 0 && problem == "" {
		var err error
		if next, err = s.store.NextRelease(ctx, p.ID); err != nil {
			return "", fmt.Errorf("look for releases of %q: %w", p.Name, err)
		}
	}
	return stateOf(problem != "", live > 0, next > 1), nil
}

// stateOf is "live" when a release is, "failed" when one was tried and none is, and
// "interrupted" when what runs may not be what is live.
func stateOf(interrupted, live, tried bool) string {
	switch {
	case interrupted:
		return string(store.Interrupted)
	case live:
		return "live"
	case tried:
		return "failed"
	}
	return "empty"
}

func instanceStatus(i nomad.Instance, server ir.Server) api.InstanceStatus {
	return api.InstanceStatus{
		Server: i.Group, Size: server.Size, Region: server.Region, Allocation: i.Allocation, Node: i.Node,
		State: i.State, Healthy: i.Healthy, Restarts: i.Restarts, Release: jobs.ReleaseNumber(i.Args), StartedAt: i.StartedAt,
	}
}
