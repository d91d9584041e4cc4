package deploy

import (
	"encoding/json"
	"fmt"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/power"
)

// encodeJobs writes jobs as a release keeps them; the same jobs give the same
// text.
func encodeJobs(list []*nomadapi.Job) (string, error) {
	text, err := json.Marshal(list)
	if err != nil {
		return "", fmt.Errorf("encode jobs: %w", err)
	}
	return string(text), nil
}

func decodeJobs(text []byte) ([]*nomadapi.Job, error) {
	var list []*nomadapi.Job
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("decode jobs of a release: %w", err)
	}
	return list, nil
}

// functionOf is the function that a job runs.
func functionOf(p *ir.Project, jobID string) ir.Function {
	for _, f := range p.Functions {
		if jobs.ID(f) == jobID {
			return f
		}
	}
	panic("job " + jobID + " has no function") // Lower made it from one
}

func functionResults(p *ir.Project, c jobs.Cluster) []api.FunctionResult {
	out := []api.FunctionResult{}
	for _, f := range p.Functions {
		out = append(out, api.FunctionResult{
			Name: f.Name, Power: string(f.Power), File: f.File, Line: f.Line, URL: power.URL(f, c),
		})
	}
	return out
}
