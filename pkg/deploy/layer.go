package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// refusedRequirements is the exit code by which the build says that uv refused
// the person's requirements, as opposed to failing itself.
const refusedRequirements = 3

// ensureLayer builds the virtual environment unless the platform has it.
func (p *push) ensureLayer(ctx context.Context) error {
	begin := time.Now()
	defer func() { p.result.LayerMS = millis(begin) }()
	_, err := p.store.Layer(ctx, p.project.ID, p.release.Layer)
	if err == nil {
		return nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("look up layer: %w", err)
	}
	p.phase("layer", "installing the requirements")
	job, err := jobs.Build(p.ir, p.release, p.cfg.Cluster)
	if err != nil {
		return err
	}
	source, err := jobs.HCL(job)
	if err != nil {
		return err
	}
	var output []string
	err = p.nomad.RunBatch(ctx, job, source, func(line string) {
		output = append(output, line)
		p.emit(api.Event{Output: &api.Output{Source: "uv", Line: line}})
	})
	if failure, ok := errors.AsType[*nomad.Failure](err); ok {
		return p.explainBuild(failure, output)
	}
	if err != nil {
		return fmt.Errorf("build layer: %w", err)
	}
	if _, err := p.store.Layer(ctx, p.project.ID, p.release.Layer); err != nil {
		return fmt.Errorf("build layer: the job ended well and stored nothing: %w", err)
	}
	return nil
}

func (p *push) explainBuild(f *nomad.Failure, output []string) error {
	if f.ExitCode == refusedRequirements {
		problem := api.NewProblem(api.Refused, "the requirements cannot be installed; nothing was changed").
			WithHelp("`uv pip install -r requirements.txt` shows the same on your machine")
		problem.Diagnostics = blame(p.tree, p.ir.Dependencies.Files, output)
		return problem
	}
	p.showFailure("build", f, false)
	return api.NewProblem(api.Failed, "the dependency build could not run: %s", f.Reason)
}
