package deploy

import (
	"context"
	"errors"
	"fmt"
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

// ensureSchemas has the code of the release say what its task workers take, unless the
// platform knows it. That is before anything is rolled out, so a failure changes nothing.
func (c *change) ensureSchemas(ctx context.Context) error {
	s, err := jobs.SchemasOf(c.ir, c.release, c.cfg.Cluster)
	if err != nil || s == nil {
		return err
	}
	has, err := c.hasLayer(ctx, s.Key)
	if err != nil || has {
		return err
	}
	c.phase("schemas", "reading what the task workers take")
	source, err := jobs.HCL(s.Job)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, schemasTime)
	defer cancel()
	var found *cause.Cause
	err = c.runBatch(limited, s.Job, source, "reading what the task workers take", nomad.BatchObserver{
		Output: func(line string) { c.emit(api.Event{Output: &api.Output{Source: "import", Line: line}}) },
		Failed: func(ctx context.Context, f *nomad.Failure) {
			found, _ = c.readCause(ctx, f.Allocation, f.Task) // what ends it otherwise writes none
		},
	})
	if failure, ok := errors.AsType[*nomad.Failure](err); ok {
		return c.explainSchemas(ctx, failure, found)
	}
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return c.schemasProblem("importing the task workers took longer than %.0f minutes and was stopped; nothing was rolled out", schemasTime.Minutes())
	}
	if err != nil {
		return fmt.Errorf("read what the task workers take: %w", err)
	}
	if has, err = c.hasLayer(ctx, s.Key); err == nil && !has {
		err = errors.New("read what the task workers take: the job ended well and stored nothing")
	}
	return err
}

func (c *change) explainSchemas(ctx context.Context, f *nomad.Failure, found *cause.Cause) error {
	switch {
	case f.OutOfMemory:
		return c.schemasProblem("importing the task workers took more memory than there is and was killed; nothing was rolled out")
	case f.ExitCode != refusedInput || found == nil:
		c.showFailure(f)
		return c.schemasProblem("the task workers could not be imported: %s; nothing was rolled out", f.Reason)
	}
	list := c.unbindable(ctx, found)
	problem := c.schemasProblem("not every task worker can be run: %s; nothing was rolled out", postmortem.WithPlace(list[0]))
	problem.Diagnostics = list
	return problem
}

// unbindable makes a diagnostic of each parameter that cannot be made from data, or of
// what failed before that was known.
func (c *change) unbindable(ctx context.Context, found *cause.Cause) diag.List {
	if found.Kind != cause.Bind {
		return c.diagnose(ctx, c.firstWorker(), found)
	}
	if err := c.openTree(ctx, c.release.Tree); err != nil {
		c.log.Warn("open the tree of a failed release", "project", c.project.Name, "error", err)
	}
	var list diag.List
	for _, one := range append([]cause.Cause{*found}, found.Causes...) {
		at := one.Innermost()
		list.Add(diag.Diagnostic{
			Code: postmortem.Codes[cause.Bind], Message: one.Message, File: at.File, Line: at.Line, Column: at.Column,
			Help: "a task is sent as JSON: annotate the parameter with what can be made from that",
		})
	}
	if c.tree.FS != nil {
		compiler.AddExcerpts(c.tree, list)
	}
	return list
}

func (c *change) firstWorker() ir.Function {
	for _, f := range c.ir.Functions {
		if f.TaskWorker != nil {
			return f
		}
	}
	return c.ir.Functions[0]
}

func (c *change) schemasProblem(format string, args ...any) *api.Problem {
	problem := api.NewProblem(api.Failed, format, args...)
	if c.liveRelease == nil {
		return problem
	}
	return problem.WithHelp("release %d keeps serving", c.liveRelease.Number)
}
