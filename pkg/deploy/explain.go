package deploy

import (
	"fmt"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/api"
)

// explainRollout says why a function did not come up, and shows what there is to
// see of it.
func (c *change) explainRollout(f ir.Function, failure *nomad.Failure, checks *checkup) error {
	c.showFailure(f.Name, failure, true)
	why := failure.Reason
	switch {
	case failure.OutOfMemory:
		why = "it took more memory than its server has and was killed"
	case failure.ExitCode > 0:
		why = fmt.Sprintf("it exited with code %d", failure.ExitCode)
	case failure.ExitCode == 0:
		why = "it ended by itself, with exit code 0; a web app runs until it is told to stop"
	case checks.said != "":
		why = checks.said
	}
	problem := api.NewProblem(api.Failed, "%s did not come up: %s", f.Name, why)
	if c.live != nil {
		return problem.WithHelp("release %d keeps serving", c.live.Number)
	}
	return problem.WithHelp("nothing of this project runs; mend it and push again")
}

// showFailure tells what the failed instance printed, and what Nomad noted.
func (c *change) showFailure(name string, f *nomad.Failure, output bool) {
	for _, line := range f.Events {
		c.emit(api.Event{Output: &api.Output{Source: "nomad", Line: line}})
	}
	if !output {
		return
	}
	for _, line := range f.Log {
		c.emit(api.Event{Output: &api.Output{Source: name, Line: line}})
	}
}
