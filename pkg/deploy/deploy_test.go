package deploy

import (
	"errors"
	"testing"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy/jobset"
	"fngen.dev/fngen/pkg/deploy/power"
	"fngen.dev/fngen/pkg/store"
)

// TestURLs holds CONTRACT: the first web app has the project's own name, every
// other one the name of its function before it.
func TestURLs(t *testing.T) {
	c := jobs.DefaultCluster()
	first := ir.Function{Name: "a", Power: ir.PowerWebApp, WebApp: &ir.WebApp{Hosts: []string{"a--shop", "shop"}}}
	second := ir.Function{Name: "b", Power: ir.PowerWebApp, WebApp: &ir.WebApp{Hosts: []string{"b--shop"}}}
	project := ir.Project{Name: "shop", Functions: []ir.Function{second, first}}
	if got := power.URL(first, c); got != "https://shop.fngen.localhost" {
		t.Errorf("first function: %s", got)
	}
	if got := power.URL(second, c); got != "https://b--shop.fngen.localhost" {
		t.Errorf("second function: %s", got)
	}
	if got := projectURL(project, c); got != "https://shop.fngen.localhost" {
		t.Errorf("project: %s", got)
	}
	c.Port = 8443
	if got := projectURL(project, c); got != "https://shop.fngen.localhost:8443" {
		t.Errorf("project behind another port: %s", got)
	}
}

// TestJobsRoundTrip holds that a stored release lowers to the same text again,
// which is how an unchanged push is known.
func TestJobsRoundTrip(t *testing.T) {
	project := &ir.Project{
		Name: "shop", Python: "3.11", Servers: []ir.Server{{Name: "web", Size: "s", Region: "us-west", Count: 1}},
		Functions: []ir.Function{{Name: "a", Power: ir.PowerWebApp, File: "a.py", WebApp: &ir.WebApp{Health: "/", Hosts: []string{"shop"}}}},
	}
	lowered, err := jobs.Lower(project, jobs.Release{Number: 1, Tree: "sha256:0"}, jobs.DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	text, err := jobset.Encode(lowered)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := jobset.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	again, err := jobset.Encode(decoded)
	if err != nil || again != text {
		t.Errorf("jobs changed in the store: %v\n%s\n%s", err, text, again)
	}
}

// TestPlanRefuses holds that a plan of what no compiler made is refused before
// anything else is asked: this service has no store and no Nomad.
func TestPlanRefuses(t *testing.T) {
	s := &Service{cfg: Config{Cluster: jobs.DefaultCluster()}}
	good := func() api.PlanRequest {
		return api.PlanRequest{Tree: "sha256:0", Project: ir.Project{
			Version: ir.Version, Name: "shop", Python: "3.11", Servers: []ir.Server{{Name: "web", Size: "s", Region: "us-west", Count: 1}},
			Functions: []ir.Function{{Name: "a", Power: ir.PowerWebApp, File: "a.py", WebApp: &ir.WebApp{Health: "/", Hosts: []string{"shop"}}}},
		}}
	}
	for what, spoil := range map[string]func(*ir.Project){
		"another format":  func(p *ir.Project) { p.Version++ },
		"another project": func(p *ir.Project) { p.Name = "other" },
		"a Power not run here": func(p *ir.Project) {
			p.Functions[0].Power, p.Functions[0].WebApp, p.Functions[0].TaskWorker = ir.PowerTaskWorker, nil, &ir.TaskWorker{}
		},
		"a web app without options": func(p *ir.Project) { p.Functions[0].WebApp = nil },
		"a count that floods Nomad": func(p *ir.Project) { p.Servers[0].Count = 1 << 30 },
		"code in a name":            func(p *ir.Project) { p.Functions[0].Name = "${env.X}" },
	} {
		req := good()
		spoil(&req.Project)
		_, err := s.Plan(t.Context(), store.Project{Name: "shop"}, req)
		if problem, ok := errors.AsType[*api.Problem](err); !ok || problem.Code != api.Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
}
