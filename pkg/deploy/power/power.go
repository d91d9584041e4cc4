// Package power is the table of Powers: what a rollout has to know of a function,
// whatever its Power is. Nothing beside it in pkg/deploy knows a Power by name when it
// rolls out.
package power

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
)

// Traits are what the control plane has to know of a function, whatever its Power.
// A zero trait is one that the function does not have.
type Traits struct {
	// Hosts are the labels at which the router leads to it, its own last. A function
	// without any is ready when Nomad says that its instances are healthy.
	Hosts []string
	// Health is the path that tells whether an instance is well.
	Health string
	// Command runs once before its rollout.
	Command string
	// Settings is the module by which its static files are collected.
	Settings string
	// Options are those that a plan compares.
	Options []Option
}

type Option struct{ Name, Value string }

// row is one row of the table of Powers.
type row struct {
	traits func(ir.Function) Traits
	// moved is the function with other hosts. It is nil where there are none.
	moved func(f ir.Function, hosts []string) ir.Function
}

// powers has a row for each Power that a push can make live. A rollout asks it, and
// knows no Power by name.
var powers = map[ir.Power]row{
	ir.PowerWebApp:     {traits: webAppTraits, moved: webAppAt},
	ir.PowerTaskWorker: {traits: taskWorkerTraits},
}

// At is a function with other hosts, of a Power that has any.
func At(f ir.Function, hosts []string) ir.Function { return powers[f.Power].moved(f, hosts) }

// Names are the Powers that a push can make live, sorted. One that takes tasks needs
// a broker.
func Names(broker bool) []string {
	var out []string
	for _, p := range slices.Sorted(maps.Keys(powers)) {
		if p != ir.PowerTaskWorker || broker {
			out = append(out, string(p))
		}
	}
	return out
}

// Of are the traits of a function; none where a release has a Power that this
// control plane does not know, or where there is no function.
func Of(f ir.Function) Traits {
	if row, known := powers[f.Power]; known {
		return row.traits(f)
	}
	return Traits{}
}

func webAppTraits(f ir.Function) Traits {
	app := f.WebApp
	return Traits{
		Hosts: app.Hosts, Health: app.HealthPath(), Command: app.Release, Settings: app.Static,
		Options: []Option{{"framework", app.Framework}, {"health", app.Health}, {"domain", app.Domain}, {"release", app.Release}, {"threads", number(app.Threads)},
			{"max_body_mb", number(app.MaxBodyMB)}, {"max_header_kb", number(app.MaxHeaderKB)}, {"keep_alive", number(app.KeepAlive)}},
	}
}

func taskWorkerTraits(f ir.Function) Traits {
	w := f.TaskWorker
	return Traits{Options: []Option{
		{"concurrency", strconv.Itoa(w.Concurrency)}, {"timeout", w.Timeout.String()}, {"retries", strconv.Itoa(w.Retries)},
	}}
}

// number is n in digits, or nothing where nobody says it.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func webAppAt(f ir.Function, hosts []string) ir.Function {
	app := *f.WebApp
	app.Hosts = hosts
	f.WebApp = &app
	return f
}

// OwnHost is the host that no other function ever has, empty where it has none.
func (t Traits) OwnHost() string {
	if len(t.Hosts) == 0 {
		return ""
	}
	return t.Hosts[len(t.Hosts)-1]
}

// FirstHost is the one that people know it by.
func (t Traits) FirstHost() string {
	if len(t.Hosts) == 0 {
		return ""
	}
	return t.Hosts[0]
}

// URL is the shortest address of a function, empty when it has none.
func URL(f ir.Function, c jobs.Cluster) string {
	hosts := Of(f).Hosts
	if len(hosts) == 0 {
		return ""
	}
	return c.URL(slices.MinFunc(hosts, func(a, b string) int { return cmp.Compare(len(a), len(b)) }))
}

// ProjectURL is the address of the function that has the project's own name.
func ProjectURL(p ir.Project, c jobs.Cluster) string {
	for _, f := range p.Functions {
		if url := URL(f, c); url == c.URL(p.Name) {
			return url
		}
	}
	return ""
}
