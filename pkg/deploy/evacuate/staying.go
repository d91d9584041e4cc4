package evacuate

import (
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
)

// Staying are the groups of a job with an instance in places that Nomad would
// leave there, sorted.
func Staying(job *nomadapi.Job, places []nomad.Place) []string {
	var out []string
	for _, g := range job.TaskGroups {
		if jobs.Stays(g) && slices.Contains(places, nomad.Place{Namespace: *job.Namespace, Job: *job.ID, Group: *g.Name}) {
			out = append(out, *g.Name)
		}
	}
	slices.Sort(out)
	return out
}
