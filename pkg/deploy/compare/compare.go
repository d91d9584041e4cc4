// Package compare tells what a push would change: of two resolved projects, what is live
// and what is to be, it compares functions, addresses, queues, servers with their price,
// and jobs as people read them.
package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fngen.dev/fngen/compiler/catalog"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/power"
)

// Projects are what is live, nil for nothing, and what is to be.
type Projects struct {
	Old, New *ir.Project
	Cluster  jobs.Cluster
	// Recoded says that some file is another, whatever it means.
	Recoded bool
}

// Functions compares the functions by name: removed ones first, as they are the
// ones to look at, then those of the tree in file order.
func (c Projects) Functions(dependencies api.Action) []api.PlannedFunction {
	out := []api.PlannedFunction{}
	before := ByName(c.Old)
	now := ByName(c.New)
	if c.Old != nil {
		for _, f := range c.Old.Functions {
			if _, stays := now[f.Name]; !stays {
				out = append(out, c.function(f, api.Remove, nil))
			}
		}
	}
	for _, f := range c.New.Functions {
		old, was := before[f.Name]
		if !was {
			out = append(out, c.function(f, api.Create, nil))
			continue
		}
		changes := c.changes(old, f, dependencies)
		action := api.None
		switch {
		case old.File != f.File:
			action = api.Move
		case len(changes) > 0:
			action = api.Update
		}
		out = append(out, c.function(f, action, changes))
	}
	return out
}

func (c Projects) function(f ir.Function, action api.Action, changes []string) api.PlannedFunction {
	return api.PlannedFunction{
		Name: f.Name, Signature: f.Signature(), Power: string(f.Power), File: f.File, Line: f.Line, URL: power.URL(f, c.Cluster),
		Processes: processesOf(c.New, f), Action: action, Changes: append([]string{}, changes...),
	}
}

// processesOf says how many processes serve a function where that is more than one
// on some server: one number, or one for each server.
func processesOf(project *ir.Project, f ir.Function) string {
	if f.WebApp == nil {
		return ""
	}
	var each []string
	numbers := map[int]bool{}
	most := 0
	for _, s := range project.Servers {
		n := jobs.Processes(project, f, s)
		each = append(each, fmt.Sprintf("%s %d", s.Name, n))
		numbers[n], most = true, max(most, n)
	}
	switch {
	case most < 2:
		return ""
	case len(numbers) == 1:
		return strconv.Itoa(most)
	}
	return strings.Join(each, ", ")
}

// Queues compares the queues of the task workers, in the order of functions.
func (c Projects) Queues() []api.PlannedQueue {
	out := []api.PlannedQueue{}
	had, has := queuesOf(c.Old), queuesOf(c.New)
	for _, q := range had {
		if !slices.Contains(has, q) {
			out = append(out, api.PlannedQueue{Name: q, Action: api.Remove})
		}
	}
	for _, q := range has {
		action := api.Create
		if slices.Contains(had, q) {
			action = api.None
		}
		out = append(out, api.PlannedQueue{Name: q, Action: action})
	}
	return out
}

func queuesOf(p *ir.Project) []string {
	var out []string
	if p != nil {
		for _, f := range p.Functions {
			if f.TaskWorker != nil {
				out = append(out, jobs.Queue(p, f))
			}
		}
	}
	return out
}

// ByName are the functions of a project, of which there may be none.
func ByName(p *ir.Project) map[string]ir.Function {
	out := map[string]ir.Function{}
	if p != nil {
		for _, f := range p.Functions {
			out[f.Name] = f
		}
	}
	return out
}

// changes names what is different about a function that stays.
func (c Projects) changes(old, now ir.Function, dependencies api.Action) []string {
	var out []string
	from := func(what, before, after string) {
		if before != after {
			out = append(out, fmt.Sprintf("%s: %s -> %s", what, cmp.Or(before, "none"), cmp.Or(after, "none")))
		}
	}
	if c.Recoded {
		out = append(out, "code")
	}
	if dependencies != api.None {
		out = append(out, "dependencies")
	}
	from("file", old.File, now.File)
	from("parameters", old.Signature(), now.Signature())
	from("power", string(old.Power), string(now.Power))
	from("python", c.Old.Python, c.New.Python)
	from("processes", processesOf(c.Old, old), processesOf(c.New, now))
	if old.Power == now.Power {
		was := power.Of(old).Options
		for i, o := range power.Of(now).Options {
			from(o.Name, was[i].Value, o.Value)
		}
	}
	if !slices.Equal(c.Old.Servers, c.New.Servers) {
		out = append(out, "servers")
	}
	if len(c.Old.Functions) != len(c.New.Functions) {
		out = append(out, "share of its servers")
	}
	return out
}

// Routes compares which function answers at which address, sorted by address.
func (c Projects) Routes() []api.PlannedRoute {
	out := []api.PlannedRoute{}
	before, now := c.routesOf(c.Old), c.routesOf(c.New)
	for url, function := range now {
		switch from, was := before[url]; {
		case !was:
			out = append(out, api.PlannedRoute{URL: url, Action: api.Create, Function: function})
		case from != function:
			out = append(out, api.PlannedRoute{URL: url, Action: api.Move, Function: function, From: from})
		default:
			out = append(out, api.PlannedRoute{URL: url, Action: api.None, Function: function})
		}
	}
	for url, function := range before {
		if _, stays := now[url]; !stays {
			out = append(out, api.PlannedRoute{URL: url, Action: api.Remove, Function: function})
		}
	}
	slices.SortFunc(out, func(a, b api.PlannedRoute) int { return cmp.Compare(a.URL, b.URL) })
	return out
}

func (c Projects) routesOf(project *ir.Project) map[string]string {
	out := map[string]string{}
	if project == nil {
		return out
	}
	for _, f := range project.Functions {
		for _, host := range power.Of(f).Hosts {
			out[c.Cluster.URL(host)] = f.Name
		}
	}
	return out
}

// Servers compares the fleet by name, and adds up its price.
func (c Projects) Servers() ([]api.PlannedServer, api.PlannedCost) {
	out, cost := []api.PlannedServer{}, api.PlannedCost{}
	before := map[string]ir.Server{}
	if c.Old != nil {
		for _, s := range c.Old.Servers {
			before[s.Name] = s
			cost.Before += priceOf(s)
		}
	}
	for _, s := range c.New.Servers {
		cost.After += priceOf(s)
		old, was := before[s.Name]
		delete(before, s.Name)
		action := api.None
		switch {
		case !was:
			action = api.Create
		case old != s:
			action = api.Update
		}
		out = append(out, plannedServer(s, action, len(c.New.Functions)))
	}
	for _, s := range before {
		out = append(out, plannedServer(s, api.Remove, 0))
	}
	// Removed ones come last, by name.
	slices.SortStableFunc(out, func(a, b api.PlannedServer) int {
		if a.Action != api.Remove && b.Action != api.Remove {
			return 0
		}
		return cmp.Or(cmp.Compare(gone(a), gone(b)), cmp.Compare(a.Name, b.Name))
	})
	return out, cost
}

func gone(s api.PlannedServer) int {
	if s.Action == api.Remove {
		return 1
	}
	return 0
}

func plannedServer(s ir.Server, action api.Action, functions int) api.PlannedServer {
	size, _ := catalog.LookupSize(s.Size)
	return api.PlannedServer{
		Name: s.Name, Size: s.Size, Region: s.Region, Count: s.Count, Action: action,
		USDMonth: priceOf(s), Functions: functions, Room: jobs.Room(size),
	}
}

func priceOf(s ir.Server) float64 {
	size, _ := catalog.LookupSize(s.Size)
	return size.USDMonth * float64(s.Count)
}
