package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/prepare"
	"fngen.dev/fngen/pkg/store"
)

// workersOf are the functions of a project that take tasks.
func workersOf(p *ir.Project) []string {
	var out []string
	if p != nil {
		for _, f := range p.Functions {
			if f.TaskWorker != nil {
				out = append(out, f.Name)
			}
		}
	}
	return out
}

// prepareTasks makes the queues of the release before anything of it starts: a release
// command may send tasks already. What another release needs stays.
func (c *change) prepareTasks(ctx context.Context) error {
	workers := workersOf(c.IR)
	if len(workers) == 0 {
		return nil
	}
	if c.cfg.Tasks == nil {
		return api.NewProblem(api.Refused, "this platform has no broker: it runs no @task_worker")
	}
	if err := c.cfg.Tasks.Prepare(ctx, c.project, workers); err != nil {
		return fmt.Errorf("prepare the queues of %q: %w", c.project.Name, err)
	}
	return nil
}

// tidyTasks removes the queues of functions that are gone, where nothing is in them. That
// it fails is no fault of the change.
func (c *change) tidyTasks(ctx context.Context) {
	if c.cfg.Tasks == nil || len(workersOf(c.IR)) == 0 && len(workersOf(c.LiveIR)) == 0 {
		return
	}
	if err := c.cfg.Tasks.Tidy(ctx, c.project, workersOf(c.IR)); err != nil {
		c.log.LogAttrs(ctx, slog.LevelWarn, "queues that are not used any more stay", slog.String("project", c.project.Name), slog.Any("error", err))
	}
}

// queueStatus are the queues of a project; one whose function the release does not have
// is parked as long as tasks are in it.
func (s *Service) queueStatus(ctx context.Context, p store.Project, live *ir.Project) ([]api.QueueStatus, error) {
	workers := workersOf(live)
	if s.cfg.Tasks == nil {
		return []api.QueueStatus{}, nil
	}
	queues, err := s.cfg.Tasks.Queues(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("read the queues of %q: %w", p.Name, err)
	}
	out := []api.QueueStatus{}
	for _, q := range queues {
		q.Parked = !slices.Contains(workers, q.Function)
		if !q.Parked || q.Ready+q.Running > 0 {
			out = append(out, q)
		}
	}
	return out, nil
}

// Schema is what a function of a release takes, as its code said when it was pushed; nil
// where that is not known.
func (s *Service) Schema(ctx context.Context, p store.Project, release int, function string) ([]byte, error) {
	r, err := s.store.Release(ctx, p.ID, release)
	if err != nil {
		return nil, fmt.Errorf("read release %d of %q: %w", release, p.Name, err)
	}
	var project ir.Project
	if err := json.Unmarshal(r.IR, &project); err != nil {
		return nil, fmt.Errorf("decode release %d of %q: %w", release, p.Name, err)
	}
	key := jobs.SchemasKey(&project, jobs.Release{Tree: r.Tree, Layer: r.Layer})
	l, err := s.store.Layer(ctx, p.ID, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up schemas: %w", err)
	}
	view, err := s.blobs.View(scope(p))
	if err != nil {
		return nil, err
	}
	defer view.Close()
	f, err := view.Open(l.SHA256)
	if err != nil {
		return nil, fmt.Errorf("open schemas: %w", err)
	}
	defer f.Close()
	return prepare.ReadSchema(f, function+".json")
}
