package api

import (
	"time"
)

// Status is what runs now. GET /v1/projects/{project}.
type Status struct {
	Project string `json:"project"`
	// State is "live", "failed", "empty", or "interrupted" when what runs may not be
	// what is live: Problem says why.
	State     string           `json:"state"`
	Problem   string           `json:"problem,omitempty"`
	Release   int              `json:"release"`
	URL       string           `json:"url"`
	Functions []FunctionStatus `json:"functions"`
	// Queues are those of task workers, and of functions that are gone and have tasks
	// left.
	Queues []QueueStatus `json:"queues,omitempty"`
}

// QueueStatus is what waits and runs of one function.
type QueueStatus struct {
	Name     string `json:"name"`
	Function string `json:"function"`
	// Ready wait in the queue, Running are with a worker.
	Ready   int `json:"ready"`
	Running int `json:"running"`
	// OldestSeconds is how long the task that waits longest has waited; 0 for none.
	OldestSeconds int `json:"oldest_seconds"`
	// Rate is how many were done in a second of late.
	Rate    float64 `json:"rate"`
	Workers int     `json:"workers"`
	// Parked says that the function is gone.
	Parked bool `json:"parked"`
}

// FunctionStatus is a function on all its servers.
type FunctionStatus struct {
	Name      string           `json:"name"`
	Power     string           `json:"power"`
	URL       string           `json:"url"`
	Instances []InstanceStatus `json:"instances"`
}

// InstanceStatus is one allocation.
type InstanceStatus struct {
	// Server is the name in fngen.yml.
	Server string `json:"server"`
	Size   string `json:"size"`
	Region string `json:"region"`
	// Allocation is Nomad's id; Node the name of the machine.
	Allocation string    `json:"allocation"`
	Node       string    `json:"node"`
	State      string    `json:"state"`
	Healthy    bool      `json:"healthy"`
	Restarts   uint64    `json:"restarts"`
	Release    int       `json:"release"`
	StartedAt  time.Time `json:"started_at"`
	// Refused is how many requests it has answered by 503 in the last ten minutes, since its
	// memory was nearly full.
	Refused int `json:"refused_for_memory,omitempty"`
}

// LiveStatic are the keys of the static files of the live release.
// GET /v1/agent/static.
type LiveStatic struct {
	Keys []string `json:"keys"`
}
