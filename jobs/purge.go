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
	task := agentTask("purge", flags("purge", "uid", strconv.Itoa(uid)), &nomad.Resources{
		CPU: new(reservedMHz / 2), MemoryMB: new(reservedMB / 2), MemoryMaxMB: new(128),
	})
	task.Identities = nil // it talks to nobody
	return &nomad.Job{
		ID: new("purge"), Name: new("purge"), Namespace: new(project), Type: new("sysbatch"),
		Datacenters: []string{"*"},
		UI:          &nomad.JobUIConfig{Description: fmt.Sprintf("Removes what the destroyed project **%s** has left on the nodes.", project)},
		TaskGroups: []*nomad.TaskGroup{{
			Name: new("purge"), Count: new(1),
			RestartPolicy: &nomad.RestartPolicy{Attempts: new(1), Mode: new("fail"), RenderTemplates: new(false)},
			Volumes:       volumes(),
			Tasks:         []*nomad.Task{task},
		}},
	}, nil
}
