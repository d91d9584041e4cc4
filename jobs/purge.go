package jobs

import (
	"fmt"
	"strconv"

	nomad "github.com/hashicorp/nomad/api"
)

// Purge makes the job that removes a destroyed project's trees and layers from
// every node. It runs in the project's own namespace, the last one to do so.
func Purge(project string, uid int) (*nomad.Job, error) {
	if err := check(project); err != nil {
		return nil, err
	}
	task := agentTask("purge", flags("purge", "uid", strconv.Itoa(uid)), errand())
	task.Identities = nil // it talks to nobody
	return onNodes(project, "purge", fmt.Sprintf("Removes what the destroyed project **%s** has left on the nodes.", project), task, nil), nil
}

// errand is what a short job of the platform's own needs: a part of what no function
// gets.
func errand() *nomad.Resources {
	return &nomad.Resources{CPU: new(reservedMHz / 2), MemoryMB: new(reservedMB / 2), MemoryMaxMB: new(128)}
}

// onNodes makes a job that runs one task once on each of the nodes that constraints
// allow.
func onNodes(project, id, description string, task *nomad.Task, constraints []*nomad.Constraint) *nomad.Job {
	return &nomad.Job{
		ID: new(id), Name: new(id), Namespace: new(project), Type: new("sysbatch"),
		Datacenters: []string{"*"},
		UI:          &nomad.JobUIConfig{Description: description},
		TaskGroups: []*nomad.TaskGroup{{
			Name: new(task.Name), Count: new(1),
			Constraints:   constraints,
			RestartPolicy: &nomad.RestartPolicy{Attempts: new(1), Mode: new("fail"), RenderTemplates: new(false)},
			Networks:      networked(),
			Volumes:       volumes(),
			Tasks:         []*nomad.Task{task},
		}},
	}
}
