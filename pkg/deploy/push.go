package deploy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/store"
)

// push is one push under way.
type push struct {
	*Service
	actor   store.Actor
	project store.Project
	req     api.PushRequest
	emit    func(api.Event)
	// tree is there once openTree was called.
	tree     source.Tree
	blobView *blob.View

	ir       *ir.Project
	warnings diag.List
	layer    string
	release  jobs.Release
	live     *store.Release
	// was are the jobs of the live release by id, removed those of them that the
	// pushed tree has no function for, until they are stopped.
	was     map[string]*nomadapi.Job
	removed []string
	result  api.PushResult
}

// Push makes a tree live that the project has. What happens is told on the channel, which is closed
// after a Done or Failed event. The push goes on when ctx ends: from then on
// nobody listens.
func (s *Service) Push(ctx context.Context, actor store.Actor, project store.Project, req api.PushRequest) (<-chan api.Event, error) {
	unlock, holder := s.lock(project.ID, "a push by "+actor.Email)
	if unlock == nil {
		return nil, api.NewProblem(api.Busy, "project %q is busy with %s", project.Name, holder).WithHelp("wait for it to end, then push again")
	}
	events := make(chan api.Event)
	p := &push{Service: s, actor: actor, project: project, req: req}
	p.emit = func(e api.Event) {
		e.Time = time.Now().UTC()
		select {
		case events <- e:
		case <-ctx.Done(): // nobody listens any more
		}
	}
	s.pushes.Add(1)
	go func() {
		defer s.pushes.Done()
		defer close(events)
		result, err := p.run(s.closing)
		if closeErr := p.closeTree(); closeErr != nil {
			s.log.Warn("close tree", slog.Any("error", closeErr))
		}
		unlock() // before the last event: who has read it may push again
		if err != nil {
			p.emit(api.Event{Failed: s.problem(project, err)})
			return
		}
		p.emit(api.Event{Done: &result})
	}()
	return events, nil
}

// run is the push from tree to live.
func (p *push) run(ctx context.Context) (api.PushResult, error) {
	if err := p.compile(ctx); err != nil {
		return api.PushResult{}, err
	}
	if err := p.readLive(ctx); err != nil {
		return api.PushResult{}, err
	}
	p.release = jobs.Release{
		Tree: p.req.Tree, UID: uid(p.project),
		Layer: p.layer,
	}
	if same, err := p.unchanged(ctx); err != nil || same {
		return p.result, err
	}
	if err := p.ensureLayer(ctx); err != nil {
		return api.PushResult{}, err
	}
	return p.rollOut(ctx)
}

// compile finds out what the tree means, unless it is the one of the last push.
func (p *push) compile(ctx context.Context) error {
	p.phase("compile", "finding the functions")
	target, err := p.target(ctx)
	if err != nil {
		return err
	}
	if last, ok := p.compiled.find(p.project.ID, p.req, target); ok {
		p.ir, p.warnings, p.layer = last.ir, last.warnings, last.layer
		return nil
	}
	if err := p.openTree(ctx); err != nil {
		return err
	}
	var list diag.List
	p.ir, list = compiler.Compile(ctx, compiler.Input{Tree: p.tree, Project: p.project.Name, Entry: p.req.Entry, Target: target})
	if list.HasErrors() {
		problem := api.NewProblem(api.Refused, "the tree has faults; nothing was changed")
		problem.Diagnostics = list
		return problem
	}
	p.warnings, p.layer = list, jobs.LayerKey(p.ir, p.tree.Manifest, p.cfg.Cluster)
	p.compiled.keep(p.project.ID, compiled{p.req, target, p.ir, p.warnings, p.layer})
	return nil
}

func (p *push) readLive(ctx context.Context) error {
	live, err := p.store.LiveRelease(ctx, p.project.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read live release: %w", err)
	}
	p.live = &live
	old, err := decodeJobs(live.Jobs)
	p.was = byID(old)
	return err
}

// unchanged reports whether what is pushed is live already, and running: the
// jobs of the live release are what this tree lowers to, and Nomad would do
// nothing if they were registered again.
func (p *push) unchanged(ctx context.Context) (bool, error) {
	if p.live == nil {
		return false, nil
	}
	p.release.Number = p.live.Number
	lowered, err := jobs.Lower(p.ir, p.release, p.cfg.Cluster)
	if err != nil {
		return false, err
	}
	text, err := encodeJobs(lowered)
	if err != nil || text != string(p.live.Jobs) {
		return false, err
	}
	for _, job := range lowered {
		plan, err := p.nomad.Plan(ctx, job)
		if err != nil {
			return false, err
		}
		if plan.Changed {
			return false, nil
		}
	}
	p.finish(false)
	return true, nil
}

// finish fills in what the push has made live.
func (p *push) finish(changed bool) {
	p.result.Project, p.result.Release, p.result.Changed = p.project.Name, p.release.Number, changed
	p.result.Diagnostics = p.warnings
	p.result.Functions = functionResults(p.ir, p.cfg.Cluster)
}

func (p *push) phase(name, format string, args ...any) {
	p.emit(api.Event{Phase: &api.Phase{Name: name, Message: fmt.Sprintf(format, args...)}})
}
