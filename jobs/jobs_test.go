package jobs

import (
	"testing"

	"fngen.dev/fngen/compiler/ir"
)

func hello() *ir.Project {
	return &ir.Project{
		Version: ir.Version, Name: "hello", Python: "3.11",
		Dependencies: ir.Dependencies{Files: []string{"requirements.txt"}},
		Servers: []ir.Server{
			{Name: "web", Size: "s", Region: "us-west", Count: 2},
			{Name: "big", Size: "xl", Region: "eu-central", Count: 1},
		},
		Functions: []ir.Function{{
			Name: "live_app", Power: ir.PowerWebApp, File: "app.py", Line: 12,
			WebApp: &ir.WebApp{Framework: "fastapi", Compute: "server", Health: "/", Hosts: []string{"hello"}},
		}},
	}
}

var release = Release{Number: 3, Tree: "sha256:0123", Layer: "abcdef0123456789", UID: 700001}

// TestHostileStrings gives every field that a person can influence a string with
// a meaning in some language below; none may reach a job.
func TestHostileStrings(t *testing.T) {
	fields := map[string]func(p *ir.Project, s string){
		"project":     func(p *ir.Project, s string) { p.Name = s },
		"function":    func(p *ir.Project, s string) { p.Functions[0].Name = s },
		"file":        func(p *ir.Project, s string) { p.Functions[0].File = s },
		"python":      func(p *ir.Project, s string) { p.Python = s },
		"server":      func(p *ir.Project, s string) { p.Servers[0].Name = s },
		"region":      func(p *ir.Project, s string) { p.Servers[0].Region = s },
		"size":        func(p *ir.Project, s string) { p.Servers[0].Size = s },
		"health":      func(p *ir.Project, s string) { p.Functions[0].WebApp.Health = s },
		"host":        func(p *ir.Project, s string) { p.Functions[0].WebApp.Hosts[0] = s },
		"requirement": func(p *ir.Project, s string) { p.Dependencies.Files[0] = s },
		"provided":    func(p *ir.Project, s string) { p.Dependencies.Provided = []string{s} },
	}
	hostile := []string{"a${env.X}", "a%{if true}", "a{{ key `x` }}", "a`) || Host(`b", "a\nb", "a\x00"}
	for name, set := range fields {
		for _, s := range hostile {
			p := hello()
			set(p, s)
			_, lowerErr := Lower(p, release, DefaultCluster())
			_, buildErr := Build(p, release, DefaultCluster())
			if lowerErr == nil && buildErr == nil {
				t.Errorf("%s = %q reached a job", name, s)
			}
		}
	}
}

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
