package push

import (
	"fmt"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/exit"
)

// checkPlanned refuses to push other code, or to another project, than was
// planned. The rest only the platform knows.
func (p *push) checkPlanned() error {
	switch {
	case p.planned == nil:
		return nil
	case p.planned.Project != p.project:
		return &exit.Usage{Message: fmt.Sprintf("the plan is of project %s, not of %s", p.planned.Project, p.project), Help: "make one: fngen plan " + p.project + " --json"}
	case p.planned.Tree != p.digest:
		return api.NewProblem(api.Drifted, "the code here is not the code that was planned").
			WithHelp("nothing was changed. Push from the files that were planned (the plan itself must not be among them), or make a new plan: fngen plan %s --json", p.project)
	}
	return nil
}
