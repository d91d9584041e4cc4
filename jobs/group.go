package jobs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/catalog"
	"fngen.dev/fngen/compiler/ir"
)

// What functions do not get of a server, so that the platform's own short jobs
// find room on a full one.
const (
	reservedMB  = 64
	reservedMHz = 50
)

// capabilities are what the agent needs before it gives up root: to own and open the
// cache, to change users; and what it keeps then, to read its identity and to end what
// it has started. Nomad hands them over as
// ambient capabilities of "nobody"; a task of user root would get every one that
// the driver knows, whatever cap_drop says.
var capabilities = []string{"chown", "dac_override", "dac_read_search", "fowner", "kill", "setgid", "setuid"}

// placement constrains a group to the machines of one server definition.
func placement(s ir.Server) []*nomad.Constraint {
	return []*nomad.Constraint{
		nomad.NewConstraint("${node.class}", "=", s.Size),
		nomad.NewConstraint("${node.datacenter}", "=", s.Region),
	}
}

// spread puts the instances of one definition on different machines as long as
// there is room. It is not distinct_hosts: with that, a new instance could never
// start beside the one it replaces.
func spread(count int) []*nomad.Spread {
	if count < 2 {
		return nil
	}
	return []*nomad.Spread{nomad.NewSpread("${node.unique.id}", 100, nil)}
}

// share is what one of n functions reserves on a server. As long as that is enough
// for most functions it is the half of an equal part, so that the old and the new
// instances of all of them fit side by side, whatever a push adds, changes and
// removes. On smaller servers it is more, down to room for one new instance beside
// the old ones. A function may use the whole server when nobody else does.
func share(size catalog.Size, n int) *nomad.Resources {
	parts := min(2*n, max(n+1, (size.MemoryMB-reservedMB)/enoughMB))
	return &nomad.Resources{
		CPU:         new((size.VCPU*1000 - reservedMHz) / parts),
		MemoryMB:    new((size.MemoryMB - reservedMB) / parts),
		MemoryMaxMB: new(size.MemoryMB - reservedMB),
	}
}

// enoughMB is the memory with which most functions of Python get along: an
// interpreter with a large framework and what it imports.
const enoughMB = 128

// minShareMB is the least memory with which a function of Python starts: an
// interpreter, the runtime and a small framework take about 50 MB.
const minShareMB = 64

// Room is how many functions a server of a size can carry, with room for one to
// roll.
func Room(size catalog.Size) int { return (size.MemoryMB-reservedMB)/minShareMB - 1 }

// volumes are the host volumes that every task of ours sees.
func volumes() map[string]*nomad.VolumeRequest {
	return map[string]*nomad.VolumeRequest{
		"cache": {Name: "cache", Type: "host", Source: "fngen-cache"},
		"node":  {Name: "node", Type: "host", Source: "fngen-node", ReadOnly: true},
		"usr":   {Name: "usr", Type: "host", Source: "fngen-usr", ReadOnly: true},
	}
}

func mounts() []*nomad.VolumeMount {
	return []*nomad.VolumeMount{
		{Volume: new("cache"), Destination: new("/var/cache/fngen"), ReadOnly: new(false)},
		{Volume: new("node"), Destination: new("/opt/fngen"), ReadOnly: new(true)},
		{Volume: new("usr"), Destination: new("/usr"), ReadOnly: new(true)},
	}
}

// agentPath is /opt/fngen/bin/fngen-agent, written so that Nomad finds it nowhere
// else. For a command /x it looks for /local/x first, where a program of the project
// could wait to be started with the rights of the agent when the task is started
// again; for /../x it looks at the same path of the task's own directory, which is
// root's (lookupTaskBin, drivers/shared/executor of v1.11.1). What runs is /x.
const agentPath = "/../opt/fngen/bin/fngen-agent"

// network is one of its own for an allocation (CNI), which the node's rules hold from
// the machine's servers and from other allocations (nomad/agents/network).
const network = "cni/fngen"

// networked gives a group's allocations a network with nothing of the platform in it
// but the API. The ports are those that the router reaches from outside.
func networked(ports ...nomad.Port) []*nomad.NetworkResource {
	return []*nomad.NetworkResource{{Mode: network, DynamicPorts: ports}}
}

// agentTask runs the agent, isolated, with the workload identity by which the
// control plane knows the project. The project's user cannot read its file.
func agentTask(name string, args []string, res *nomad.Resources) *nomad.Task {
	return &nomad.Task{
		Name:   name,
		Driver: "exec",
		User:   "nobody",
		Config: map[string]any{
			"command":  agentPath,
			"args":     args,
			"cap_add":  capabilities,
			"cap_drop": []string{"all"},
		},
		Identities: []*nomad.WorkloadIdentity{{
			Name: "fngen", Audience: []string{"fngen"}, File: true, TTL: time.Hour, ChangeMode: "noop",
		}},
		Resources:    res,
		VolumeMounts: mounts(),
		LogConfig:    &nomad.LogConfig{MaxFiles: new(3), MaxFileSizeMB: new(5)},
	}
}

// flags turns name/value pairs into arguments, leaving out empty values.
func flags(command string, pairs ...string) []string {
	out := []string{command}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, "--"+pairs[i]+"="+pairs[i+1])
		}
	}
	return out
}

// ReleaseNumber is the release that a task of ours runs, read from its
// arguments; 0 when they do not say.
func ReleaseNumber(args []string) int {
	for _, arg := range args {
		if text, ok := strings.CutPrefix(arg, "--release="); ok {
			n, _ := strconv.Atoi(text)
			return n
		}
	}
	return 0
}

func regions(servers []ir.Server) []string {
	var out []string
	for _, s := range servers {
		out = append(out, s.Region)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func lookupSize(s ir.Server) (catalog.Size, error) {
	size, ok := catalog.LookupSize(s.Size)
	if !ok {
		return catalog.Size{}, fmt.Errorf("server %q has unknown size %q", s.Name, s.Size)
	}
	return size, nil
}

// description is what an operator reads at the top of the job in the Nomad UI.
func description(p *ir.Project, f ir.Function, r Release) *nomad.JobUIConfig {
	return &nomad.JobUIConfig{
		Description: "`" + f.Name + "` of project **" + p.Name + "**: @" + string(f.Power) +
			" in `" + f.File + "`, line " + strconv.Itoa(f.Line) + ", release " + strconv.Itoa(r.Number) + ".",
	}
}

// serve are the agent's arguments for one function on one server: those that
// every Power has, with pairs of its own before the last.
func serve(p *ir.Project, f ir.Function, s ir.Server, r Release, c Cluster, pairs ...string) []string {
	all := append(functionPairs(p, f, s, r), pairs...)
	return flags("serve", append(all, "api", c.APIURL)...)
}

// functionPairs are the arguments that say which function of which release it is.
func functionPairs(p *ir.Project, f ir.Function, s ir.Server, r Release) []string {
	size, _ := catalog.LookupSize(s.Size) // whoever makes a group has looked it up before
	return []string{
		"project", p.Name, "function", f.Name, "power", string(f.Power), "file", f.File,
		"python", p.Python, "tree", r.Tree, "layer", r.Layer,
		"uid", strconv.Itoa(r.UID), "release", strconv.Itoa(r.Number), "server", s.Name, "disk", strconv.Itoa(size.DiskGB),
		"env", version(r.Env),
	}
}

// version writes that of the variables; the agent is not asked for any by none.
func version(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// OneByOne is the job with other manners: in the given groups, where there is no
// room for a new instance beside an old one, each old one ends before the new one
// in its place starts.
func OneByOne(job *nomad.Job, groups []string) *nomad.Job {
	return withGroups(job, groups, func(g *nomad.TaskGroup) {
		update := *g.Update
		update.Canary, update.AutoPromote, update.MaxParallel = new(0), new(false), new(1)
		g.Update = &update
	})
}

// withGroups is the job with copies of the given groups that are changed.
func withGroups(job *nomad.Job, groups []string, change func(*nomad.TaskGroup)) *nomad.Job {
	out := *job
	out.TaskGroups = slices.Clone(job.TaskGroups)
	for i, group := range out.TaskGroups {
		if slices.Contains(groups, *group.Name) {
			changed := *group
			change(&changed)
			out.TaskGroups[i] = &changed
		}
	}
	return &out
}
