package api

import (
	"context"
	"net/http"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/source"
)

// PlanRequest asks what a push would do. POST /v1/projects/{project}/plans. No
// file is sent: the plan needs what the tree means and which tree it is.
type PlanRequest struct {
	// Tree is the manifest's digest, "sha256:<hex>".
	Tree    string     `json:"tree"`
	Project ir.Project `json:"project"`
	// Requirements are the files that the dependencies are read from.
	Requirements []source.File `json:"requirements"`
}

// Action is what a push would do with something.
type Action string

// The actions.
const (
	Create Action = "create"
	Update Action = "update"
	None   Action = "none"
	Remove Action = "remove"
	Stop   Action = "stop" // of jobs
	Move   Action = "move" // of routes and of functions in other files
)

// Plan is what a push would do. It has no effect.
type Plan struct {
	Project string `json:"project"`
	// Tree is the digest of what was planned, and Seal that of all that would be
	// applied and of what it would be applied to: the jobs, the live release, and
	// the state of each job in Nomad.
	Tree    string `json:"tree"`
	Seal    string `json:"seal"`
	Changed bool   `json:"changed"`
	// Live is the release that is live, 0 for none; Release the one that a push
	// would make, or Live when nothing changes.
	Live      int               `json:"live"`
	Release   int               `json:"release"`
	Functions []PlannedFunction `json:"functions"`
	// Commands are the release commands, in the order in which a push runs them
	// before any job; none when nothing changes.
	Commands     []PlannedCommand    `json:"commands"`
	Jobs         []PlannedJob        `json:"jobs"`
	Queues       []PlannedQueue      `json:"queues"`
	Routes       []PlannedRoute      `json:"routes"`
	Dependencies PlannedDependencies `json:"dependencies"`
	// Static are Django's static files, once for each module of settings.
	Static  []PlannedStatic `json:"static"`
	Env     PlannedEnv      `json:"env"`
	Servers []PlannedServer `json:"servers"`
	// Cost is the price of the servers by the size table.
	Cost     PlannedCost `json:"cost"`
	Warnings diag.List   `json:"warnings"`
}

// PlannedFunction is a function before and after.
type PlannedFunction struct {
	Name string `json:"name"`
	// Signature are its parameters as Python writes them, in brackets.
	Signature string `json:"signature"`
	Power     string `json:"power"`
	File      string `json:"file"`
	Line      int    `json:"line"`
	URL       string `json:"url"`
	Action    Action `json:"action"`
	// Processes is how many processes serve the function on its servers, such as "2" or
	// "web 1, worker 2"; empty where it is one on each.
	Processes string `json:"processes,omitempty"`
	// Changes name what is different, such as "code" or "health: / -> /up".
	Changes []string `json:"changes"`
}

// PlannedCommand is a release command that a push would run.
type PlannedCommand struct {
	Function string `json:"function"`
	Command  string `json:"command"`
}

// PlannedJob is a Nomad job before and after.
type PlannedJob struct {
	ID        string   `json:"id"`
	Action    Action   `json:"action"`
	Functions []string `json:"functions"`
	// Wave counts, from 1, the jobs that come up at the same time. A wave begins when
	// the one before it is up and there is room for it; 0 is a job that is stopped.
	Wave int `json:"wave"`
	// Groups are the servers of fngen.yml, with what Nomad would do on each.
	Groups    []PlannedGroup `json:"groups"`
	Placement Placement      `json:"placement"`
	// HCL is the whole job; empty when it is to be stopped.
	HCL string `json:"hcl"`
	// Diff is a unified diff of the HCL that runs and this one.
	Diff string `json:"diff"`
	// Drift lists what Nomad has otherwise than the live release says.
	Drift []string `json:"drift"`
}

// PlannedGroup counts instances.
type PlannedGroup struct {
	Server string `json:"server"`
	// Start are new instances, Replace those that take the place of another,
	// InPlace those that go on with changed settings, Stop those that end.
	Start   uint64 `json:"start"`
	Replace uint64 `json:"replace"`
	InPlace uint64 `json:"in_place"`
	Stop    uint64 `json:"stop"`
	Keep    uint64 `json:"keep"`
}

// Placement says whether Nomad finds room now.
type Placement struct {
	OK bool `json:"ok"`
	// Reasons are sentences, one a server without room.
	Reasons []string `json:"reasons"`
	// OneByOne are the servers on which old and new instances do not fit side by
	// side, so that each new one waits for the end of an old one.
	OneByOne []string `json:"one_by_one"`
}

// PlannedQueue is a task queue before and after.
type PlannedQueue struct {
	Name   string `json:"name"`
	Action Action `json:"action"`
	// Messages are the tasks in it. One that is to be removed is parked as long as it has
	// any.
	Messages int  `json:"messages"`
	Parked   bool `json:"parked,omitempty"`
}

// PlannedRoute is an address before and after.
type PlannedRoute struct {
	URL    string `json:"url"`
	Action Action `json:"action"`
	// Function answers there, From is the one that did when it moves.
	Function string `json:"function"`
	From     string `json:"from,omitempty"`
}

// PlannedDependencies says what becomes of the virtual environment.
type PlannedDependencies struct {
	// Action is "none" (as it is), "update" (one that is built already), or
	// "create" (it will be built).
	Action Action `json:"action"`
	Dependencies
}

// PlannedStatic says what becomes of the static files by one module of settings.
type PlannedStatic struct {
	Settings string `json:"settings"`
	// Action is "none" (as they are), "update" (collected by an earlier push), or
	// "create" (they will be collected, if the settings set STATIC_ROOT).
	Action Action `json:"action"`
}

// PlannedEnv is about environment variables.
type PlannedEnv struct {
	// Version is that of the variables that a push would take, 0 for none.
	Version int `json:"version"`
	// Missing are names that the code reads and the project does not have.
	Missing []EnvUse `json:"missing"`
}

// EnvUse is a place where the code reads a name.
type EnvUse struct {
	Name string `json:"name"`
	File string `json:"file"`
	Line int    `json:"line"`
	// Column counts bytes from 1.
	Column int `json:"column"`
}

// PlannedServer is a line of the fleet before and after.
type PlannedServer struct {
	Name   string `json:"name"`
	Size   string `json:"size"`
	Region string `json:"region"`
	Count  int    `json:"count"`
	Action Action `json:"action"`
	// USDMonth is the price of all of Count together.
	USDMonth float64 `json:"usd_month"`
	// Functions is how many a machine carries, Room how many it can.
	Functions int `json:"functions"`
	Room      int `json:"room"`
}

// PlannedCost is in US dollars a month.
type PlannedCost struct {
	Before float64 `json:"usd_month_before"`
	After  float64 `json:"usd_month_after"`
}

// Plan asks what a push would do.
func (c *Client) Plan(ctx context.Context, project string, req PlanRequest) (Plan, error) {
	return call[Plan](ctx, c, http.MethodPost, projectPath(project)+"/plans", req)
}
