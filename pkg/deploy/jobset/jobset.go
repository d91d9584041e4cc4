// Package jobset has the jobs of a release as a whole: how a release keeps them, which
// function each runs, and what another release has of them.
package jobset

import (
	"encoding/json"
	"fmt"
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
)

// Encode writes jobs as a release keeps them; the same jobs give the same
// text.
func Encode(list []*nomadapi.Job) (string, error) {
	text, err := json.Marshal(list)
	if err != nil {
		return "", fmt.Errorf("encode jobs: %w", err)
	}
	return string(text), nil
}

// Decode reads what Encode wrote.
func Decode(text []byte) ([]*nomadapi.Job, error) {
	var list []*nomadapi.Job
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("decode jobs of a release: %w", err)
	}
	return list, nil
}

// FunctionOf is the function that a job runs.
func FunctionOf(p *ir.Project, jobID string) ir.Function {
	for _, f := range p.Functions {
		if jobs.ID(f) == jobID {
			return f
		}
	}
	panic("job " + jobID + " has no function") // Lower made it from one
}

// Missing lists the jobs that the lowered ones leave out, sorted.
func Missing(before map[string]*nomadapi.Job, lowered []*nomadapi.Job) []string {
	now := ByID(lowered)
	var out []string
	for id := range before {
		if _, stays := now[id]; !stays {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// ByID are jobs by their ids.
func ByID(list []*nomadapi.Job) map[string]*nomadapi.Job {
	out := make(map[string]*nomadapi.Job, len(list))
	for _, job := range list {
		out[*job.ID] = job
	}
	return out
}
