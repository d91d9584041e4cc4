package cli

import (
	"encoding/json"
	"fmt"
	"os"

	"fngen.dev/fngen/pkg/api"
)

// readPlan reads what "fngen plan --json" has printed.
func readPlan(file string) (*api.Plan, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, &usageError{message: fmt.Sprintf("cannot read the plan: %v", err), help: "make one: fngen plan --json > FILE"}
	}
	plan := new(api.Plan)
	if err := json.Unmarshal(text, plan); err != nil || plan.Seal == "" || plan.Tree == "" {
		return nil, &usageError{message: file + " is not a plan", help: "make one: fngen plan --json > FILE"}
	}
	return plan, nil
}

// checkPlanned refuses to push other code, or to another project, than was
// planned. The rest only the platform knows.
func (p *push) checkPlanned() error {
	switch {
	case p.planned == nil:
		return nil
	case p.planned.Project != p.project:
		return &usageError{message: fmt.Sprintf("the plan is of project %s, not of %s", p.planned.Project, p.project), help: "make one: fngen plan " + p.project + " --json"}
	case p.planned.Tree != p.digest:
		return api.NewProblem(api.Drifted, "the code here is not the code that was planned").
			WithHelp("nothing was changed. Push from the files that were planned (the plan itself must not be among them), or make a new plan: fngen plan %s --json", p.project)
	}
	return nil
}
