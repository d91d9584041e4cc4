package prepare

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/postmortem"
	"fngen.dev/fngen/pkg/deploy/power"
)

// commandTime is how long a release command may take: one that hangs must not
// keep its project busy for ever.
const commandTime = 10 * time.Minute

// Commands runs the release commands one after the other, before anything is
// rolled out, until one fails.
func (p *Preparation) Commands(ctx context.Context) error {
	commands, err := jobs.Commands(p.IR, p.Release, p.Cluster)
	for i := 0; err == nil && i < len(commands); i++ {
		err = p.runCommand(ctx, commands[i])
	}
	return err
}

func (p *Preparation) runCommand(ctx context.Context, command jobs.Command) error {
	f := command.Function
	if _, err := p.MakeRoom(ctx, command.Job, f); err != nil {
		return err
	}
	source, err := jobs.HCL(command.Job)
	if err != nil {
		return err
	}
	p.Phase("release", "%s: running %s", f.Name, power.Of(f).Command)
	limited, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	var printed postmortem.Output
	err = p.RunBatch(limited, command.Job, source, f.Name, nomad.BatchObserver{Output: func(line string) {
		printed.Add(line)
		p.Emit(api.Event{Output: &api.Output{Source: f.Name, Line: line}})
	}})
	if failure, ok := errors.AsType[*nomad.Failure](err); ok {
		return p.explainCommand(f.Name, failure, printed.Lines())
	}
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return p.commandProblem("the release command of %s took longer than %.0f minutes and was stopped; nothing was rolled out", f.Name, commandTime.Minutes())
	}
	if err != nil {
		return fmt.Errorf("run the release command of %q: %w", f.Name, err)
	}
	return nil
}

func (p *Preparation) explainCommand(name string, f *nomad.Failure, printed []string) error {
	if why := postmortem.OfCommand(f, printed); why != "" && f.ExitCode > 0 {
		return p.commandProblem("the release command of %s exited with code %d: %s; nothing was rolled out", name, f.ExitCode, why)
	}
	if f.ExitCode > 0 {
		return p.commandProblem("the release command of %s exited with code %d; nothing was rolled out", name, f.ExitCode)
	}
	p.ShowFailure(f)
	return p.commandProblem("the release command of %s failed: %s; nothing was rolled out", name, f.Reason)
}

// commandProblem says what is live, and does not promise that the command, which
// may have done a part of its work, has changed nothing.
func (p *Preparation) commandProblem(format string, args ...any) error {
	problem := api.NewProblem(api.Failed, format, args...)
	if p.LiveNumber == 0 {
		return problem.WithHelp("mend it and push again; what the command has done itself is not undone")
	}
	return problem.WithHelp("release %d keeps serving; what the command has done itself is not undone", p.LiveNumber)
}
