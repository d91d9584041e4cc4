package prepare

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cause"
	"fngen.dev/fngen/pkg/deploy/postmortem"
)

// schemasTime is how long the import of task workers may take.
const schemasTime = 5 * time.Minute

// Schemas has the code of the release say what its task workers take, unless the
// platform knows it. That is before anything is rolled out, so a failure changes nothing.
func (p *Preparation) Schemas(ctx context.Context) error {
	s, err := jobs.SchemasOf(p.IR, p.Release, p.Cluster)
	if err != nil || s == nil {
		return err
	}
	has, err := p.Has(ctx, s.Key)
	if err != nil || has {
		return err
	}
	p.Phase("schemas", "reading what the task workers take")
	source, err := jobs.HCL(s.Job)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, schemasTime)
	defer cancel()
	var found *cause.Cause
	var printed postmortem.Output
	err = p.RunBatch(limited, s.Job, source, "reading what the task workers take", nomad.BatchObserver{
		Output: func(line string) {
			printed.Add(line)
			p.Emit(api.Event{Output: &api.Output{Source: "import", Line: line}})
		},
		Failed: func(ctx context.Context, f *nomad.Failure) {
			found, _ = p.ReadCause(ctx, f.Allocation, f.Task) // what ends it otherwise writes none
		},
	})
	if failure, ok := errors.AsType[*nomad.Failure](err); ok {
		return p.explainSchemas(ctx, failure, found, printed.Lines())
	}
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return p.schemasProblem("importing the task workers took longer than %.0f minutes and was stopped; nothing was rolled out", schemasTime.Minutes())
	}
	if err != nil {
		return fmt.Errorf("read what the task workers take: %w", err)
	}
	if has, err = p.Has(ctx, s.Key); err == nil && !has {
		err = errors.New("read what the task workers take: the job ended well and stored nothing")
	}
	return err
}

func (p *Preparation) explainSchemas(ctx context.Context, f *nomad.Failure, found *cause.Cause, printed []string) error {
	switch {
	case f.OutOfMemory:
		return p.schemasProblem("importing the task workers took more memory than there is and was killed; nothing was rolled out")
	case f.ExitCode != Refused || found == nil:
		p.ShowFailure(f)
		return p.schemasProblem("the task workers could not be imported: %s; nothing was rolled out", postmortem.OfBatch(f, printed))
	}
	list := p.unbindable(ctx, found)
	problem := p.schemasProblem("not every task worker can be run: %s; nothing was rolled out", postmortem.WithPlace(list[0]))
	problem.Diagnostics = list
	return problem
}

// unbindable makes a diagnostic of each parameter that cannot be made from data, or of
// what failed before that was known.
func (p *Preparation) unbindable(ctx context.Context, found *cause.Cause) diag.List {
	if found.Kind != cause.Bind {
		return p.Diagnose(ctx, p.firstWorker(), found)
	}
	code, err := p.Code(ctx)
	if err != nil {
		p.Log.Warn("open the tree of a failed release", slog.String("project", p.Project), slog.Any("error", err))
	}
	var list diag.List
	for _, one := range append([]cause.Cause{*found}, found.Causes...) {
		at := one.Innermost()
		list.Add(diag.Diagnostic{
			Code: postmortem.Codes[cause.Bind], Message: one.Message, File: at.File, Line: at.Line, Column: at.Column,
			Help: "a task is sent as JSON: annotate the parameter with what can be made from that",
		})
	}
	if code.Tree.FS != nil {
		compiler.AddExcerpts(code.Tree, list)
	}
	return list
}

func (p *Preparation) firstWorker() ir.Function {
	for _, f := range p.IR.Functions {
		if f.TaskWorker != nil {
			return f
		}
	}
	return p.IR.Functions[0]
}

func (p *Preparation) schemasProblem(format string, args ...any) *api.Problem {
	problem := api.NewProblem(api.Failed, format, args...)
	if p.LiveNumber == 0 {
		return problem
	}
	return problem.WithHelp("release %d keeps serving", p.LiveNumber)
}
