package deploy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cause"
	"fngen.dev/fngen/pkg/deploy/jobset"
	"fngen.dev/fngen/pkg/deploy/postmortem"
	"fngen.dev/fngen/pkg/deploy/power"
	"fngen.dev/fngen/pkg/store"
)

// staticTime is how long collecting may take: one that hangs must not keep its
// project busy for ever.
const staticTime = 10 * time.Minute

// handOverTime is how long static files may take to reach the nodes of the live
// release.
const handOverTime = time.Minute

// ensureStatic collects the static files of the release unless the platform has
// them. That is before anything is rolled out, so a failure changes nothing.
func (c *change) ensureStatic(ctx context.Context) error {
	statics, err := jobs.Statics(c.ir, c.release, c.cfg.Cluster)
	if err != nil || len(statics) == 0 {
		return err
	}
	for _, s := range statics {
		if err := c.collect(ctx, s); err != nil {
			return err
		}
	}
	// While the router leads to old and new instances, an old one that lacks the files
	// answers 404. The push goes on all the same when a node is in trouble.
	limited, cancel := context.WithTimeout(ctx, handOverTime)
	defer cancel()
	if err := c.handOverStatic(limited, statics); err != nil {
		c.log.Warn("bring static files to the nodes of the live release", slog.String("project", c.project.Name), slog.Any("error", err))
		return c.nomad.Stop(ctx, c.project.Name, jobs.FetchID)
	}
	return nil
}

// handOverStatic brings static files to the nodes on which instances of the live
// release run that look for them there.
func (c *change) handOverStatic(ctx context.Context, statics []jobs.Static) error {
	var nodes []string
	for id, job := range c.liveJobs {
		if f := jobset.FunctionOf(c.liveIR, *job.ID); power.Of(f).Settings == "" {
			continue
		}
		instances, err := c.nomad.Instances(ctx, c.project.Name, id)
		if err != nil {
			return err
		}
		for _, i := range instances {
			nodes = append(nodes, i.NodeID)
		}
	}
	if len(nodes) == 0 {
		return nil
	}
	slices.Sort(nodes)
	job, err := jobs.Fetch(c.ir, c.release, c.cfg.Cluster, statics, slices.Compact(nodes))
	if err != nil {
		return err
	}
	source, err := jobs.HCL(job)
	if err != nil {
		return err
	}
	return c.nomad.RunEverywhere(ctx, job, source)
}

func (c *change) collect(ctx context.Context, s jobs.Static) error {
	has, err := c.hasLayer(ctx, s.Key)
	if err != nil || has {
		return err
	}
	c.phase("static", "collecting the static files of %s", s.Settings)
	source, err := jobs.HCL(s.Job)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, staticTime)
	defer cancel()
	var found *cause.Cause
	err = c.runBatch(limited, s.Job, source, "collectstatic", nomad.BatchObserver{
		Output: func(line string) {
			if line != "" { // Django begins with one
				c.emit(api.Event{Output: &api.Output{Source: "collectstatic", Line: line}})
			}
		},
		Failed: func(ctx context.Context, f *nomad.Failure) {
			found, _ = c.readCause(ctx, f.Allocation, f.Task) // what ends it otherwise writes none
		},
	})
	if failure, ok := errors.AsType[*nomad.Failure](err); ok {
		return c.explainStatic(ctx, s, failure, found)
	}
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return c.staticProblem("collecting the static files of %s took longer than %.0f minutes and was stopped; nothing was rolled out", s.Settings, staticTime.Minutes())
	}
	if err != nil {
		return fmt.Errorf("collect static files: %w", err)
	}
	if has, err = c.hasLayer(ctx, s.Key); err == nil && !has {
		err = errors.New("collect static files: the job ended well and stored nothing")
	}
	return err
}

// LiveStatic are the keys of the static files that the live release serves.
func (s *Service) LiveStatic(ctx context.Context, p store.Project) ([]string, error) {
	c := &change{Service: s, project: p}
	if err := c.readLive(ctx); err != nil || c.liveRelease == nil {
		return nil, err
	}
	statics, err := jobs.Statics(c.liveIR, jobs.Release{Tree: c.liveRelease.Tree, Layer: c.liveRelease.Layer, UID: uid(p), Env: c.liveRelease.EnvVersion}, s.cfg.Cluster)
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, static := range statics {
		keys = append(keys, static.Key)
	}
	return keys, nil
}

func (c *change) explainStatic(ctx context.Context, s jobs.Static, f *nomad.Failure, found *cause.Cause) error {
	switch {
	case f.OutOfMemory:
		return c.staticProblem("collecting the static files of %s took more memory than there is and was killed; nothing was rolled out", s.Settings)
	case f.ExitCode == refusedInput:
		return c.staticCause(ctx, s, found)
	}
	c.showFailure(f)
	return c.staticProblem("the static files of %s could not be collected: %s; nothing was rolled out", s.Settings, f.Reason)
}

// staticCause says why the code of a project could not collect its files.
func (c *change) staticCause(ctx context.Context, s jobs.Static, found *cause.Cause) error {
	if found == nil {
		return c.staticProblem("the static files of %s could not be collected; nothing was rolled out", s.Settings)
	}
	at := slices.IndexFunc(c.ir.Functions, func(f ir.Function) bool { return power.Of(f).Settings == s.Settings })
	list := c.diagnose(ctx, c.ir.Functions[max(at, 0)], found)
	problem := c.staticProblem("the static files of %s could not be collected: %s; nothing was rolled out", s.Settings, postmortem.WithPlace(list[0]))
	problem.Diagnostics = list
	return problem
}

func (c *change) staticProblem(format string, args ...any) *api.Problem {
	const how = "`python manage.py collectstatic` shows the same on your machine; STATIC_ROOT = None turns it off"
	problem := api.NewProblem(api.Failed, format, args...)
	if c.liveRelease == nil {
		return problem.WithHelp(how)
	}
	return problem.WithHelp("release %d keeps serving. %s", c.liveRelease.Number, how)
}
