package jobs

import (
	"slices"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
)

// TestStays holds that Nomad leaves the only instance of a web app to the control
// plane, and moves all others by itself.
func TestStays(t *testing.T) {
	job := twoServers(t)
	for i, want := range []bool{true, false} {
		if got := Stays(job.TaskGroups[i]); got != want {
			t.Errorf("%d instances of a web app: stays %v", *job.TaskGroups[i].Count, got)
		}
	}
	former := *job.TaskGroups[0]
	former.Migrate = nil // of a release of before
	if Stays(&former) {
		t.Error("an instance stays that Nomad moves")
	}
}

// TestAwayFrom holds that the interim form differs from the job in what a client
// need not know, in the given group only, and leaves the job as it is.
func TestAwayFrom(t *testing.T) {
	job := twoServers(t)
	before, err := HCL(job)
	if err != nil {
		t.Fatal(err)
	}
	away := AwayFrom(job, "0a1b", []string{"web"})
	if after, err := HCL(job); err != nil || string(after) != string(before) {
		t.Errorf("the job itself has changed: %v\n%s", err, after)
	}
	if away.TaskGroups[1] != job.TaskGroups[1] {
		t.Error("another group has changed")
	}
	was, now := job.TaskGroups[0], *away.TaskGroups[0]
	added := now.Constraints[len(was.Constraints):]
	if len(added) != 1 || added[0].LTarget != "${node.unique.id}" || added[0].Operand != "!=" || added[0].RTarget != "0a1b" {
		t.Errorf("constraints %v", added)
	}
	if *now.Update.HealthyDeadline <= 2*time.Minute || *now.Update.ProgressDeadline <= *now.Update.HealthyDeadline || *now.Update.Canary != 1 {
		t.Errorf("it is updated as %+v", now.Update)
	}
	now.Constraints, now.Update = was.Constraints, was.Update
	back := *away
	back.TaskGroups = []*nomad.TaskGroup{&now, job.TaskGroups[1]}
	if text, err := HCL(&back); err != nil || !slices.Equal(text, before) {
		t.Errorf("more has changed: %v\n%s", err, text)
	}
}

func twoServers(t *testing.T) *nomad.Job {
	t.Helper()
	project := &ir.Project{
		Name: "shop", Python: "3.11",
		Servers:   []ir.Server{{Name: "web", Size: "s", Region: "us-west", Count: 1}, {Name: "big", Size: "m", Region: "us-west", Count: 2}},
		Functions: []ir.Function{{Name: "a", Power: ir.PowerWebApp, File: "a.py", WebApp: &ir.WebApp{Health: "/", Hosts: []string{"shop"}}}},
	}
	lowered, err := Lower(project, Release{Number: 1, Tree: "sha256:0"}, DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	return lowered[0]
}
