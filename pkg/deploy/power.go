package deploy

import (
	"maps"
	"slices"
	"strconv"

	"fngen.dev/fngen/compiler/ir"
)

// traits are what the control plane has to know of a function, whatever its Power.
// A zero trait is one that the function does not have.
type traits struct {
	// hosts are the labels at which the router leads to it, its own last. A function
	// without any is ready when Nomad says that its instances are healthy.
	hosts []string
	// health is the path that tells whether an instance is well.
	health string
	// command runs once before its rollout.
	command string
	// settings is the module by which its static files are collected.
	settings string
	// options are those that a plan compares.
	options []option
}

type option struct{ name, value string }

// power is one row of the table of Powers.
type power struct {
	traits func(ir.Function) traits
	// moved is the function with other hosts. It is nil where there are none.
	moved func(f ir.Function, hosts []string) ir.Function
}

// powers has a row for each Power that a push can make live. A rollout asks it, and
// knows no Power by name.
var powers = map[ir.Power]power{
	ir.PowerWebApp:     {traits: webAppTraits, moved: webAppAt},
	ir.PowerTaskWorker: {traits: taskWorkerTraits},
}

// movedTo is a function with other hosts, of a Power that has any.
func movedTo(f ir.Function, hosts []string) ir.Function { return powers[f.Power].moved(f, hosts) }

// powerNames are the Powers that a push can make live, sorted. One that takes tasks needs
// a broker.
func powerNames(broker bool) []string {
	var out []string
	for _, p := range slices.Sorted(maps.Keys(powers)) {
		if p != ir.PowerTaskWorker || broker {
			out = append(out, string(p))
		}
	}
	return out
}

// traitsOf are the traits of a function; none where a release has a Power that this
// control plane does not know, or where there is no function.
func traitsOf(f ir.Function) traits {
	if row, known := powers[f.Power]; known {
		return row.traits(f)
	}
	return traits{}
}

func webAppTraits(f ir.Function) traits {
	app := f.WebApp
	return traits{
		hosts: app.Hosts, health: app.HealthPath(), command: app.Release, settings: app.Static,
		options: []option{{"framework", app.Framework}, {"health", app.Health}, {"domain", app.Domain}, {"release", app.Release}, {"threads", number(app.Threads)}},
	}
}

func taskWorkerTraits(f ir.Function) traits {
	w := f.TaskWorker
	return traits{options: []option{
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

// ownHost is the host that no other function ever has, empty where it has none.
func (t traits) ownHost() string {
	if len(t.hosts) == 0 {
		return ""
	}
	return t.hosts[len(t.hosts)-1]
}

// firstHost is the one that people know it by.
func (t traits) firstHost() string {
	if len(t.hosts) == 0 {
		return ""
	}
	return t.hosts[0]
}
