package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fngen.dev/fngen/compiler/config"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/postmortem"
)

// refusedInput is the exit code by which a job says that what the person gave is at
// fault, their requirements or their code, as opposed to failing itself.
const refusedInput = 3

// buildTime is how long a build may take: one that hangs must not keep its
// project busy for ever.
const buildTime = 20 * time.Minute

// ensureLayer builds the virtual environment unless the platform has it.
func (c *change) ensureLayer(ctx context.Context) error {
	begin := time.Now()
	defer func() { c.result.LayerMS = millis(begin) }()
	has, err := c.hasLayer(ctx, c.release.Layer)
	if err != nil || has {
		return err
	}
	c.phase("layer", "installing the requirements")
	job, err := jobs.Build(c.ir, c.release, c.cfg.Cluster)
	if err != nil {
		return err
	}
	source, err := jobs.HCL(job)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, buildTime)
	defer cancel()
	var printed postmortem.Output
	err = c.runBatch(limited, job, source, "the build", nomad.BatchObserver{Output: func(line string) {
		printed.Add(line)
		c.emit(api.Event{Output: &api.Output{Source: "uv", Line: line}})
	}})
	if failure, ok := errors.AsType[*nomad.Failure](err); ok {
		return c.explainBuild(ctx, failure, printed.Lines())
	}
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return api.NewProblem(api.Failed, "installing the requirements took longer than %v and was stopped; nothing was changed", buildTime).
			WithHelp("push again; what was downloaded is kept")
	}
	if err != nil {
		return fmt.Errorf("build layer: %w", err)
	}
	if has, err = c.hasLayer(ctx, c.release.Layer); err == nil && !has {
		err = errors.New("build layer: the job ended well and stored nothing")
	}
	return err
}

func (c *change) explainBuild(ctx context.Context, f *nomad.Failure, output []string) error {
	if f.ExitCode == refusedInput {
		if err := c.openTree(ctx, c.release.Tree); err != nil {
			return err
		}
		problem := api.NewProblem(api.Refused, "the requirements cannot be installed; nothing was changed").
			WithHelp("`%s` shows the same on your machine", howToInstall(c.ir.Dependencies.Files))
		problem.Diagnostics = postmortem.OfBuild(c.tree, c.ir.Dependencies.Files, c.ir.Python, output)
		return problem
	}
	c.showFailure(f)
	return api.NewProblem(api.Failed, "the dependency build could not run: %s", f.Reason)
}

// howToInstall is what a person runs to install as the build does.
func howToInstall(files []string) string {
	if len(files) == 0 {
		return "uv pip install"
	}
	return config.HowToInstall(files[0])
}
