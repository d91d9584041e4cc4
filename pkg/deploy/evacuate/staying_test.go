package evacuate

import (
	"slices"
	"testing"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad"
)

// TestStaying holds which groups the control plane moves: those with one
// instance, when it is this job's and on the server that is drained.
func TestStaying(t *testing.T) {
	group := func(name string, count int, migrate *nomadapi.MigrateStrategy) *nomadapi.TaskGroup {
		return &nomadapi.TaskGroup{Name: new(name), Count: new(count), Migrate: migrate}
	}
	stays := &nomadapi.MigrateStrategy{MaxParallel: new(0)}
	job := &nomadapi.Job{
		ID: new("web-a"), Namespace: new("shop"),
		TaskGroups: []*nomadapi.TaskGroup{group("w", 1, stays), group("big", 1, stays), group("many", 2, nil), group("former", 1, nil), group("elsewhere", 1, stays)},
	}
	places := []nomad.Place{
		{Namespace: "shop", Job: "web-a", Group: "w"}, {Namespace: "shop", Job: "web-a", Group: "big"}, {Namespace: "shop", Job: "web-a", Group: "many"},
		{Namespace: "shop", Job: "web-a", Group: "former"}, {Namespace: "other", Job: "web-a", Group: "elsewhere"}, {Namespace: "shop", Job: "web-b", Group: "elsewhere"},
	}
	if got := Staying(job, places); !slices.Equal(got, []string{"big", "w"}) {
		t.Errorf("%v", got)
	}
}
