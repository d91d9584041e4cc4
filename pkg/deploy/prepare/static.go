package prepare

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
)

// staticTime is how long collecting may take: one that hangs must not keep its
// project busy for ever.
const staticTime = 10 * time.Minute

// handOverTime is how long static files may take to reach the nodes of the live
// release.
const handOverTime = time.Minute

// Static collects the static files of the release unless the platform has
// them. That is before anything is rolled out, so a failure changes nothing.
func (p *Preparation) Static(ctx context.Context) error {
	statics, err := jobs.Statics(p.IR, p.Release, p.Cluster)
	if err != nil || len(statics) == 0 {
		return err
	}
	for _, s := range statics {
		if err := p.collect(ctx, s); err != nil {
			return err
		}
	}
	// While the router leads to old and new instances, an old one that lacks the files
	// answers 404. The push goes on all the same when a node is in trouble.
	limited, cancel := context.WithTimeout(ctx, handOverTime)
	defer cancel()
	if err := p.handOverStatic(limited, statics); err != nil {
		p.Log.Warn("bring static files to the nodes of the live release", slog.String("project", p.Project), slog.Any("error", err))
		return p.Nomad.Stop(ctx, p.Project, jobs.FetchID)
	}
	return nil
}

// handOverStatic brings static files to the nodes on which instances of the live
// release run that look for them there.
func (p *Preparation) handOverStatic(ctx context.Context, statics []jobs.Static) error {
	var nodes []string
	for id, job := range p.LiveJobs {
		if f := jobset.FunctionOf(p.LiveIR, *job.ID); power.Of(f).Settings == "" {
			continue
		}
		instances, err := p.Servers.Instances(ctx, p.Project, id)
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
	job, err := jobs.Fetch(p.IR, p.Release, p.Cluster, statics, slices.Compact(nodes))
	if err != nil {
		return err
	}
	source, err := jobs.HCL(job)
	if err != nil {
		return err
	}
	return p.Servers.RunSysbatch(ctx, job, source)
}

func (p *Preparation) collect(ctx context.Context, s jobs.Static) error {
	has, err := p.Has(ctx, s.Key)
	if err != nil || has {
		return err
	}
	p.Phase("static", "collecting the static files of %s", s.Settings)
	source, err := jobs.HCL(s.Job)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, staticTime)
	defer cancel()
	var found *cause.Cause
	var printed postmortem.Output
	err = p.RunBatch(limited, s.Job, source, "collectstatic", nomad.BatchObserver{
		Output: func(line string) {
			printed.Add(line)
			if line != "" { // Django begins with one
				p.Emit(api.Event{Output: &api.Output{Source: "collectstatic", Line: line}})
			}
		},
		Failed: func(ctx context.Context, f *nomad.Failure) {
			found, _ = p.ReadCause(ctx, f.Allocation, f.Task) // what ends it otherwise writes none
		},
	})
	if failure, ok := errors.AsType[*nomad.Failure](err); ok {
		return p.explainStatic(ctx, s, failure, found, printed.Lines())
	}
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return p.staticProblem("collecting the static files of %s took longer than %.0f minutes and was stopped; nothing was rolled out", s.Settings, staticTime.Minutes())
	}
	if err != nil {
		return fmt.Errorf("collect static files: %w", err)
	}
	if has, err = p.Has(ctx, s.Key); err == nil && !has {
		err = errors.New("collect static files: the job ended well and stored nothing")
	}
	return err
}

func (p *Preparation) explainStatic(ctx context.Context, s jobs.Static, f *nomad.Failure, found *cause.Cause, printed []string) error {
	switch {
	case f.OutOfMemory:
		return p.staticProblem("collecting the static files of %s took more memory than there is and was killed; nothing was rolled out", s.Settings)
	case f.ExitCode == Refused && found != nil:
		return p.staticCause(ctx, s, found)
	}
	p.ShowFailure(f)
	return p.staticProblem("the static files of %s could not be collected: %s; nothing was rolled out", s.Settings, postmortem.OfBatch(f, printed))
}

// staticCause says why the code of a project could not collect its files.
func (p *Preparation) staticCause(ctx context.Context, s jobs.Static, found *cause.Cause) error {
	at := slices.IndexFunc(p.IR.Functions, func(f ir.Function) bool { return power.Of(f).Settings == s.Settings })
	list := p.Diagnose(ctx, p.IR.Functions[max(at, 0)], found)
	problem := p.staticProblem("the static files of %s could not be collected: %s; nothing was rolled out", s.Settings, postmortem.WithPlace(list[0]))
	problem.Diagnostics = list
	return problem
}

func (p *Preparation) staticProblem(format string, args ...any) *api.Problem {
	const how = "`python manage.py collectstatic` shows the same on your machine; STATIC_ROOT = None turns it off"
	problem := api.NewProblem(api.Failed, format, args...)
	if p.LiveNumber == 0 {
		return problem.WithHelp(how)
	}
	return problem.WithHelp("release %d keeps serving. %s", p.LiveNumber, how)
}
