package jobs

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
)

// Every job that runs the person's code has the project's variables, in one way, and
// no other job has.
func TestVariables(t *testing.T) {
	p, r := hello(), release
	p.Functions[0].WebApp.Release, p.Functions[0].WebApp.Static = "python manage.py migrate", "mysite.settings"
	worker := ir.Function{Name: "resize", Power: ir.PowerTaskWorker, File: "app.py", Line: 9, TaskWorker: &ir.TaskWorker{Concurrency: 1, Timeout: ir.Seconds(900)}}
	p.Functions = append(p.Functions, worker)
	r.Env = 7
	with, err := Lower(p, r, DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	commands, err := Commands(p, r, DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	statics, err := Statics(p, r, DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	with = slices.Concat(with, jobsOf(commands), staticJobs(statics))
	if len(with) != 5 {
		t.Fatalf("%d jobs run the person's code, not 5", len(with))
	}
	for _, job := range with {
		task := job.TaskGroups[0].Tasks[0]
		if args, _ := task.Config["args"].([]string); task.Vault == nil || !readsVariables(task) || !slices.Contains(args, "--env=7") {
			t.Errorf("%s lacks the variables", *job.ID)
		}
	}
	golden(t, filepath.Join("testdata", "variables"), with[1:2])

	build, err := Build(p, r, DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	fetch, err := Fetch(p, r, DefaultCluster(), statics, []string{"node-1"})
	if err != nil {
		t.Fatal(err)
	}
	r.Env = 0
	without, err := Lower(p, r, DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	for _, job := range append(without, build, fetch) {
		// A worker reads its login at the broker.
		worker := strings.HasPrefix(*job.ID, "task-")
		if task := job.TaskGroups[0].Tasks[0]; readsVariables(task) || (task.Vault != nil) != worker {
			t.Errorf("%s has to do with Vault", *job.ID)
		}
	}
	other, err := Statics(p, r, DefaultCluster())
	if err != nil || other[0].Key == statics[0].Key {
		t.Errorf("static files have the same key with other variables: %v", err)
	}
}

func readsVariables(task *nomad.Task) bool {
	return slices.ContainsFunc(task.Templates, func(t *nomad.Template) bool { return *t.DestPath == "secrets/variables.json" })
}
