package deploy

import (
	"encoding/json"
	"fmt"
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
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

// removed lists the jobs that the lowered ones leave out, sorted.
func removed(before map[string]*nomadapi.Job, lowered []*nomadapi.Job) []string {
	now := byID(lowered)
	var out []string
	for id := range before {
		if _, stays := now[id]; !stays {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// byID are jobs by their ids.
func byID(list []*nomadapi.Job) map[string]*nomadapi.Job {
	out := make(map[string]*nomadapi.Job, len(list))
	for _, job := range list {
		out[*job.ID] = job
	}
	return out
}
