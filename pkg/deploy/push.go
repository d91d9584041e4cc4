package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/compiled"
	"fngen.dev/fngen/pkg/deploy/jobset"
	"fngen.dev/fngen/pkg/store"
)

// push is one push under way.
type push struct {
	*change
	req      api.PushRequest
	warnings diag.List
	layer    string
}

// Push makes a tree live that the project has. What happens is told on the
// channel, which is closed after a Done or Failed event.
func (s *Service) Push(ctx context.Context, actor store.Actor, project store.Project, req api.PushRequest) (<-chan api.Event, error) {
	return s.start(ctx, actor, project, func(ctx context.Context, c *change) error {
		p := &push{change: c, req: req}
		err := p.orLost(ctx, req.Tree, p.run(ctx))
		if err != nil {
			return p.withUnset(ctx, err)
		}
		p.result.Diagnostics = append(slices.Clip(p.warnings), unsetWarnings(p.unset(ctx), project.Name)...)
		p.result.Dependencies, err = p.dependenciesOf(ctx, p.IR.Dependencies, p.release.Layer)
		return err
	}), nil
}

// run is the push from tree to live. Whether anything changed is found out without the
// lock: the lock costs more than all the rest of a push that changes nothing.
func (p *push) run(ctx context.Context) error {
	if err := p.compile(ctx); err != nil {
		return err
	}
	layer, err := p.chooseLayer(ctx, p.layer, p.req.Rebuild)
	if err != nil {
		return err
	}
	p.release = jobs.Release{
		Tree: p.req.Tree, UID: uid(p.project),
		Layer: layer,
	}
	// An error here is no reason to end: the push finds it again when it holds the lock.
	if same, err := p.unchanged(ctx); err == nil && same {
		return nil
	}
	defer p.takeTurns()()
	return p.locked(ctx, "a push", p.makeLive)
}

// makeLive makes the tree live. The project is locked.
func (p *push) makeLive(ctx context.Context) error {
	if err := p.ensureNamespace(ctx, p.project); err != nil {
		return err
	}
	if same, err := p.unchanged(ctx); err != nil || same {
		return err // another push did so meanwhile
	}
	if err := p.asPlanned(ctx); err != nil {
		return err
	}
	if err := p.ensureLayer(ctx); err != nil {
		return err
	}
	if err := p.checkImports(ctx); err != nil {
		return err
	}
	return p.goLive(ctx)
}

// goLive makes a release of what is all there, and has it run.
func (p *push) goLive(ctx context.Context) error {
	if err := p.haveVariables(ctx); err != nil {
		return err
	}
	before := p.preparation()
	if err := before.Static(ctx); err != nil {
		return err
	}
	if err := before.Schemas(ctx); err != nil {
		return err
	}
	if err := p.prepareTasks(ctx); err != nil {
		return err
	}
	lowered, err := p.addRelease(ctx)
	if err != nil {
		return err
	}
	if err := p.runCommands(ctx); err != nil {
		return err
	}
	if err := p.apply(ctx, lowered, store.Failed); err != nil {
		return err
	}
	p.tidyTasks(ctx)
	return nil
}

// runCommands runs the release commands before anything is rolled out. The first that
// fails ends the push, and the release has failed. They belong to a push alone: a rollback
// brings code back, and no command knows how to undo another.
func (p *push) runCommands(ctx context.Context) error {
	err := p.preparation().Commands(ctx)
	if err == nil {
		return nil
	}
	return errors.Join(err, p.store.SetReleaseState(ctx, p.actor, p.project.ID, p.release.Number, store.Failed, err.Error()))
}

// ensureLayer builds the virtual environment unless the platform has it.
func (c *change) ensureLayer(ctx context.Context) error {
	begin := time.Now()
	defer func() { c.result.LayerMS = millis(begin) }()
	return c.preparation().Layer(ctx)
}

// compile finds out what the tree means, unless it is the one of the last push.
func (p *push) compile(ctx context.Context) error {
	p.Phase("compile", "finding the functions")
	target, err := p.target(ctx)
	if err != nil {
		return err
	}
	return p.compileFor(ctx, target)
}

func (p *push) compileFor(ctx context.Context, target compiler.Target) error {
	if last, ok := p.compiled.Find(p.project.ID, p.req, target); ok {
		p.IR, p.warnings, p.layer = last.IR, last.Warnings, last.Layer
		return nil
	}
	if err := p.openTree(ctx, p.req.Tree); err != nil {
		return err
	}
	var list diag.List
	p.IR, list = compiler.Compile(ctx, compiler.Input{Tree: p.tree, Project: p.project.Name, Entry: p.req.Entry, Target: target})
	if p.damaged.Load() {
		return errLost
	}
	if list.HasErrors() {
		problem := api.NewProblem(api.Refused, "the tree has faults; nothing was changed")
		problem.Diagnostics = list
		return problem
	}
	p.warnings, p.layer = list, jobs.LayerKey(p.IR, p.tree.Manifest, p.cfg.Cluster)
	p.compiled.Keep(p.project.ID, compiled.Result{Req: p.req, Target: target, IR: p.IR, Warnings: p.warnings, Layer: p.layer})
	return nil
}

// addRelease numbers the release and stores it with its jobs before any of them
// reaches Nomad.
func (p *push) addRelease(ctx context.Context) ([]*nomadapi.Job, error) {
	var err error
	if p.release.Number, err = p.store.NextRelease(ctx, p.project.ID); err != nil {
		return nil, err
	}
	lowered, err := p.lower()
	if err != nil {
		return nil, err
	}
	jobsText, err := jobset.Encode(lowered)
	if err != nil {
		return nil, err
	}
	irText, err := json.Marshal(p.IR)
	if err != nil {
		return nil, fmt.Errorf("encode project: %w", err)
	}
	row, err := p.store.AddRelease(ctx, p.actor, store.Release{
		ProjectID: p.project.ID, Tree: p.req.Tree, Entry: p.req.Entry, Layer: p.release.Layer, EnvVersion: p.release.Env,
		IR: irText, Jobs: []byte(jobsText), By: p.actor.Email,
	})
	if err != nil {
		return nil, fmt.Errorf("store release: %w", err)
	}
	if row.Number != p.release.Number {
		return nil, fmt.Errorf("store release: it got number %d, not %d", row.Number, p.release.Number)
	}
	p.history.Begin(p.closing, row.Number)
	return lowered, nil
}
