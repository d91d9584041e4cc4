package deploy

import (
	"context"
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/compare"
	"fngen.dev/fngen/pkg/deploy/jobset"
	"fngen.dev/fngen/pkg/deploy/power"
	"fngen.dev/fngen/pkg/deploy/rollout"
	"fngen.dev/fngen/pkg/deploy/waves"
	"fngen.dev/fngen/pkg/panics"
	"fngen.dev/fngen/pkg/store"
)

// plan is a push that only looks.
type plan struct {
	*change
	lowered []*nomadapi.Job
	// ordered are the jobs in the order in which they roll, inNomad the scheduler's
	// answers by job, and waves those that come up together.
	ordered []*nomadapi.Job
	inNomad map[string]rollout.Fitted
	waves   []waves.Wave
}

// Plan tells what a push of what req says would do. It changes nothing, and takes
// no lock: it is what would happen now.
func (s *Service) Plan(ctx context.Context, project store.Project, req api.PlanRequest) (api.Plan, error) {
	p := &plan{change: s.newChange(project)}
	p.IR = &req.Project
	p.release = jobs.Release{
		Tree: req.Tree, UID: uid(project),
		Layer: jobs.LayerKey(p.IR, source.Manifest{Files: req.Requirements}, s.cfg.Cluster),
	}
	if err := p.check(); err != nil {
		return api.Plan{}, err
	}
	var err error
	if p.release.Layer, err = p.chooseLayer(ctx, p.release.Layer, false); err != nil {
		return api.Plan{}, err
	}
	out := api.Plan{Project: project.Name, Tree: req.Tree, Env: api.PlannedEnv{Missing: []api.EnvUse{}}, Warnings: diag.List{}}
	same, err := p.unchanged(ctx)
	if err != nil {
		return out, err
	}
	if p.liveRelease != nil {
		out.Live = p.liveRelease.Number
	}
	if !same {
		if p.release.Number, err = p.store.NextRelease(ctx, project.ID); err != nil {
			return out, err
		}
	}
	out.Changed, out.Release = !same, p.release.Number
	return out, p.fill(ctx, &out)
}

// check refuses a project that no compiler of ours has made for this place: what
// it says becomes jobs.
func (p *plan) check() error {
	if p.IR.Version != ir.Version {
		return api.NewProblem(api.Invalid, "the plan was compiled by another version of fngen").WithHelp("use the fngen that belongs to this platform, %s", p.cfg.Version)
	}
	if p.IR.Name != p.project.Name {
		return api.NewProblem(api.Invalid, "the plan is of project %q, not %q", p.IR.Name, p.project.Name)
	}
	for _, f := range p.IR.Functions {
		if !slices.Contains(power.Names(p.cfg.Tasks != nil), string(f.Power)) {
			return api.NewProblem(api.Invalid, "%q has the Power %q, which this platform does not run", f.Name, f.Power)
		}
	}
	if _, err := jobs.Lower(p.IR, p.release, p.cfg.Cluster); err != nil {
		return api.NewProblem(api.Invalid, "the plan cannot be made into jobs: %v", err)
	}
	return nil
}

func (p *plan) fill(ctx context.Context, out *api.Plan) error {
	var err error
	if p.lowered, err = p.lower(); err != nil {
		return err
	}
	p.Removed = jobset.Missing(p.LiveJobs, p.lowered)
	if err := p.askNomad(ctx); err != nil {
		return err
	}
	if out.Seal, err = p.applied(p.lowered).Seal(func(job *nomadapi.Job) (uint64, error) { return p.inNomad[*job.ID].Plan.Index, nil }); err != nil {
		return err
	}
	if out.Jobs, err = p.jobs(); err != nil {
		return err
	}
	if out.Commands, err = p.commands(out.Changed); err != nil {
		return err
	}
	if out.Dependencies, err = p.dependencies(ctx); err != nil {
		return err
	}
	if out.Static, err = p.static(ctx, out.Changed); err != nil {
		return err
	}
	if out.Env.Missing, err = p.missing(ctx); err != nil {
		return err
	}
	out.Env.Version = p.release.Env
	out.Warnings = append(out.Warnings, unsetWarnings(out.Env.Missing, p.project.Name)...)
	out.Functions = p.compared().Functions(out.Dependencies.Action)
	if out.Queues, err = p.withDepths(ctx, p.compared().Queues()); err != nil {
		return err
	}
	out.Routes = p.compared().Routes()
	out.Servers, out.Cost = p.compared().Servers()
	return nil
}

// askNomad asks the scheduler about each job, and finds those that there is room
// for at the same time.
func (p *plan) askNomad(ctx context.Context) error {
	p.ordered, p.inNomad = p.OldFirst(p.lowered), map[string]rollout.Fitted{}
	forms := make([]rollout.Fitted, len(p.ordered))
	err := panics.EachAt(ctx, p.ordered, func(ctx context.Context, i int, job *nomadapi.Job) (err error) {
		forms[i], err = p.Fit(ctx, job)
		return err
	})
	if err != nil {
		return err
	}
	var order []rollout.Planned
	for i, job := range p.ordered {
		p.inNomad[*job.ID] = forms[i]
		order = append(order, rollout.Planned{Job: job, Plan: nomad.Plan{Groups: forms[i].Groups}})
	}
	p.waves, err = p.Waves(ctx, order)
	return err
}

// jobs says what becomes of each job: those to stop first, then in the order in
// which they roll.
func (p *plan) jobs() ([]api.PlannedJob, error) {
	out := []api.PlannedJob{}
	for _, id := range p.Removed {
		text, err := compare.Jobs(p.LiveJobs[id], nil)
		if err != nil {
			return nil, err
		}
		out = append(out, api.PlannedJob{
			ID: id, Action: api.Stop, Functions: []string{jobset.FunctionOf(p.LiveIR, id).Name}, Groups: []api.PlannedGroup{},
			Placement: api.Placement{OK: true, Reasons: []string{}, OneByOne: []string{}}, Diff: text, Drift: []string{},
		})
	}
	jobs := p.ordered
	for i, wave := range p.waves {
		for _, job := range jobs[:wave.Jobs] {
			planned, err := p.job(job)
			if err != nil {
				return nil, err
			}
			planned.Wave = i + 1
			out = append(out, planned)
		}
		jobs = jobs[wave.Jobs:]
	}
	return out, nil
}

func (p *plan) job(job *nomadapi.Job) (api.PlannedJob, error) {
	form := p.inNomad[*job.ID]
	seen := form.Plan
	out := api.PlannedJob{
		ID: *job.ID, Action: api.None, Functions: []string{jobset.FunctionOf(p.IR, *job.ID).Name}, Groups: []api.PlannedGroup{},
		Placement: api.Placement{OK: len(seen.Unplaced) == 0, Reasons: []string{}, OneByOne: orNone(form.OneByOne)}, Drift: []string{},
	}
	for _, u := range seen.Unplaced {
		out.Placement.Reasons = append(out.Placement.Reasons, u.Reason)
	}
	if !out.Placement.OK && len(p.Removed) > 0 {
		out.Placement.Reasons = append(out.Placement.Reasons, "jobs that are to be stopped are stopped first when there is no room otherwise")
	}
	text, err := jobs.HCL(job)
	if err != nil {
		return out, err
	}
	out.HCL = string(text)
	if !seen.Changed {
		return out, nil
	}
	out.Action = api.Update
	if seen.Index == 0 {
		out.Action = api.Create
	}
	for _, g := range form.Groups {
		out.Groups = append(out.Groups, plannedGroup(g))
	}
	if out.Diff, err = compare.Jobs(p.LiveJobs[out.ID], job); err != nil {
		return out, err
	}
	if out.Diff == "" {
		out.Drift = append(out.Drift, seen.Diff...)
	}
	return out, nil
}

// plannedGroup counts a canary, which takes the place of an old instance when it
// is healthy, as a replacement.
func plannedGroup(g nomad.GroupPlan) api.PlannedGroup {
	out := api.PlannedGroup{Server: g.Group, Start: g.Start, Replace: g.Replace, InPlace: g.InPlace, Stop: g.Stop, Keep: g.Keep}
	if g.Canary > 0 {
		out.Replace = g.Canary
		out.Keep -= min(out.Keep, g.Canary)
	}
	return out
}

// dependencies says whether the virtual environment is there.
func (p *plan) dependencies(ctx context.Context) (api.PlannedDependencies, error) {
	out := api.PlannedDependencies{Action: api.None}
	var err error
	if out.Dependencies, err = p.dependenciesOf(ctx, p.IR.Dependencies, p.release.Layer); err != nil {
		return out, err
	}
	if p.liveRelease != nil && p.liveRelease.Layer == p.release.Layer || p.release.Layer == "" {
		return out, nil
	}
	has, err := p.hasLayer(ctx, p.release.Layer)
	out.Action = madeBy(has)
	return out, err
}

// static says whether the static files are there.
func (p *plan) static(ctx context.Context, changed bool) ([]api.PlannedStatic, error) {
	out := []api.PlannedStatic{}
	statics, err := jobs.Statics(p.IR, p.release, p.cfg.Cluster)
	if err != nil {
		return out, api.NewProblem(api.Invalid, "the plan cannot be lowered to jobs: %v", err)
	}
	for _, s := range statics {
		has, err := p.hasLayer(ctx, s.Key)
		if err != nil {
			return out, err
		}
		action := madeBy(has)
		if !changed {
			action = api.None
		}
		out = append(out, api.PlannedStatic{Settings: s.Settings, Action: action})
	}
	return out, nil
}

// madeBy is what a push does about the result of a job that is there or is not.
func madeBy(has bool) api.Action {
	if has {
		return api.Update
	}
	return api.Create
}

func orNone(list []string) []string { return append([]string{}, slices.Clone(list)...) }
