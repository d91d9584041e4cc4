// Package prepare does what comes before the jobs of a release start: its requirements are
// installed, its static files collected, what its tasks take is read, and its release
// commands are run. Each is a job of Nomad's that ends; what it makes is kept by a key, and
// made once.
package prepare

import (
	"context"
	"errors"
	"fmt"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/config/dependencies"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/postmortem"
	"fngen.dev/fngen/pkg/deploy/rollout"
)

// Preparation is that of one release.
type Preparation struct {
	*rollout.Rollout
	Release jobs.Release
	// Servers are asked and reached where files have to be on them before.
	Servers Servers
	// Has reports whether what a job makes is kept by a key.
	Has func(ctx context.Context, key string) (bool, error)
}

// Servers are where the live release runs.
type Servers interface {
	Instances(ctx context.Context, namespace, jobID string) ([]nomad.Instance, error)
	RunSysbatch(ctx context.Context, job *nomadapi.Job, source []byte) error
}

// Refused is the exit code by which a job says that what the person gave is at
// fault, their requirements or their code, as opposed to failing itself.
const Refused = 3

// buildTime is how long a build may take: one that hangs must not keep its
// project busy for ever.
const buildTime = 20 * time.Minute

// Layer builds the virtual environment unless the platform has it.
func (p *Preparation) Layer(ctx context.Context) error {
	has, err := p.Has(ctx, p.Release.Layer)
	if err != nil || has {
		return err
	}
	p.Phase("layer", "installing the requirements")
	job, err := jobs.Build(p.IR, p.Release, p.Cluster)
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
	err = p.RunBatch(limited, job, source, "the build", nomad.BatchObserver{Output: func(line string) {
		printed.Add(line)
		p.Emit(api.Event{Output: &api.Output{Source: "uv", Line: line}})
	}})
	if failure, ok := errors.AsType[*nomad.Failure](err); ok {
		return p.explainBuild(ctx, failure, printed.Lines())
	}
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return api.NewProblem(api.Failed, "installing the requirements took longer than %v and was stopped; nothing was changed", buildTime).
			WithHelp("push again; what was downloaded is kept")
	}
	if err != nil {
		return fmt.Errorf("build layer: %w", err)
	}
	if has, err = p.Has(ctx, p.Release.Layer); err == nil && !has {
		err = errors.New("build layer: the job ended well and stored nothing")
	}
	return err
}

func (p *Preparation) explainBuild(ctx context.Context, f *nomad.Failure, output []string) error {
	if f.ExitCode == Refused {
		code, err := p.Code(ctx)
		if err != nil {
			return err
		}
		problem := api.NewProblem(api.Refused, "the requirements cannot be installed; nothing was changed").
			WithHelp("`%s` shows the same on your machine", howToInstall(p.IR.Dependencies.Files))
		problem.Diagnostics = postmortem.OfBuild(code.Tree, p.IR.Dependencies.Files, p.IR.Python, output)
		return problem
	}
	p.ShowFailure(f)
	return api.NewProblem(api.Failed, "the dependency build could not run: %s", f.Reason)
}

// howToInstall is what a person runs to install as the build does.
func howToInstall(files []string) string {
	if len(files) == 0 {
		return "uv pip install"
	}
	return dependencies.HowToInstall(files[0])
}
