package plan

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/exit"
)

// Read reads what "fngen plan --json" has printed.
func Read(file string) (*api.Plan, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, &exit.Usage{Message: fmt.Sprintf("cannot read the plan: %v", err), Help: "make one: fngen plan --json > FILE"}
	}
	plan := new(api.Plan)
	if err := json.Unmarshal(text, plan); err != nil || plan.Seal == "" || plan.Tree == "" {
		return nil, &exit.Usage{Message: file + " is not a plan", Help: "make one: fngen plan --json > FILE"}
	}
	return plan, nil
}

// MergeWarnings drops what both sides said: the platform compiles again.
func MergeWarnings(local, remote diag.List) diag.List {
	out := diag.List{}
	for _, d := range slices.Concat(local, remote).Sorted() {
		same := func(e diag.Diagnostic) bool {
			return e.Code == d.Code && e.File == d.File && e.Line == d.Line && e.Message == d.Message
		}
		if !slices.ContainsFunc(out, same) {
			out = append(out, d)
		}
	}
	return out
}
