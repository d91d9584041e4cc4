package jobs

import (
	"strconv"
	"testing"
	"time"

	"fngen.dev/fngen/compiler/ir"
)

func hello() *ir.Project {
	return &ir.Project{
		Version: ir.Version, Name: "hello", Python: "3.11",
		Dependencies: ir.Dependencies{Files: []string{"requirements.txt"}, Provided: []string{"flask==3.1.3"}},
		Servers: []ir.Server{
			{Name: "web", Size: "s", Region: "us-west", Count: 2},
			{Name: "big", Size: "xl", Region: "eu-central", Count: 1},
		},
		Functions: []ir.Function{{
			Name: "live_app", Power: ir.PowerWebApp, File: "app.py", Line: 12,
			WebApp: &ir.WebApp{Framework: "fastapi", Compute: "server", Health: "/", Hosts: []string{"hello"}, Domain: "example.com"},
		}, {
			Name: "work", Power: ir.PowerTaskWorker, File: "tasks.py", Line: 3, Doc: "Work.",
			Parameters: []ir.Parameter{{Name: "x", Kind: "positional_only", Annotation: new("int"), Default: new("1")}},
			TaskWorker: &ir.TaskWorker{Compute: "server", Concurrency: 2, Timeout: 90, Retries: 5},
		}},
	}
}

var release = Release{Number: 3, Tree: "sha256:0123", Layer: "abcdef0123456789", UID: 700001}

// TestServiceName holds that two functions of any two projects never share a
// service, and that a name is a DNS label.
func TestServiceName(t *testing.T) {
	long := "a123456789012345678901234567890123456789"
	seen := map[string]string{}
	for _, pair := range [][2]string{{"a", "b_c"}, {"a-b", "c"}, {long, long + "x"}, {long, long + "y"}} {
		name := serviceName(pair[0], pair[1])
		if other, ok := seen[name]; ok {
			t.Errorf("%v and %s share the service %q", pair, other, name)
		}
		if len(name) > maxServiceName {
			t.Errorf("service name %q has %d bytes", name, len(name))
		}
		seen[name] = pair[0] + "/" + pair[1]
	}
}

// TestRegions holds that an operator may name datacenters freely, and that nobody
// chooses several by a pattern.
func TestRegions(t *testing.T) {
	for name, want := range map[string]bool{"us-west": true, "DC_1": true, "eu.1": true, "*": false, "us-*": false, "": false, "a b": false} {
		p := hello()
		p.Servers[0].Region = name
		if _, err := Lower(p, release, DefaultCluster()); (err == nil) != want {
			t.Errorf("region %q: %v", name, err)
		}
	}
}

// TestLargeTree gives servers time to fetch a large tree before a rollout fails.
func TestLargeTree(t *testing.T) {
	p := hello()
	small, err := Lower(p, release, DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	p.TreeGB = 4
	large, err := Lower(p, release, DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	a, b := small[0].TaskGroups[0].Update, large[0].TaskGroups[0].Update
	if *b.HealthyDeadline-*a.HealthyDeadline != 4*time.Minute || *b.ProgressDeadline <= *b.HealthyDeadline {
		t.Errorf("%s and %s, %s", *a.HealthyDeadline, *b.HealthyDeadline, *b.ProgressDeadline)
	}
}

// TestUnmade holds that a project that no compiler made is refused before Nomad
// sees it: a plan takes one from the network.
func TestUnmade(t *testing.T) {
	for what, spoil := range map[string]func(*ir.Project){
		"no servers":         func(p *ir.Project) { p.Servers = nil },
		"one server twice":   func(p *ir.Project) { p.Servers[1].Name = p.Servers[0].Name },
		"a tree of an hour":  func(p *ir.Project) { p.TreeGB = 60 },
		"a negative tree":    func(p *ir.Project) { p.TreeGB = -1 },
		"no machine":         func(p *ir.Project) { p.Servers[0].Count = 0 },
		"a million machines": func(p *ir.Project) { p.Servers[0].Count = 1_000_000 },
		"a size of nowhere":  func(p *ir.Project) { p.Servers[0].Size = "huge" },
		"one function twice": func(p *ir.Project) { p.Functions = append(p.Functions, p.Functions[0]) },
		"no options":         func(p *ir.Project) { p.Functions[0].WebApp = nil },
		"no hosts":           func(p *ir.Project) { p.Functions[0].WebApp.Hosts = nil },
		"a Power of nowhere": func(p *ir.Project) { p.Functions[0].Power = "cron" },
		"too little for each": func(p *ir.Project) {
			for i := range 200 {
				f := p.Functions[0]
				f.Name += strconv.Itoa(i)
				p.Functions = append(p.Functions, f)
			}
		},
	} {
		p := hello()
		spoil(p)
		if _, err := Lower(p, release, DefaultCluster()); err == nil {
			t.Errorf("%s was taken", what)
		}
	}
}
