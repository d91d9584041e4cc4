package deploy

import (
	"testing"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
)

// TestURLs holds CONTRACT: the first web app has the project's own name, every
// other one the name of its function before it.
func TestURLs(t *testing.T) {
	c := jobs.DefaultCluster()
	first := ir.Function{Name: "a", WebApp: &ir.WebApp{Hosts: []string{"a--shop", "shop"}}}
	second := ir.Function{Name: "b", WebApp: &ir.WebApp{Hosts: []string{"b--shop"}}}
	project := ir.Project{Name: "shop", Functions: []ir.Function{second, first}}
	if got := functionURL(first, c); got != "https://shop.fngen.localhost" {
		t.Errorf("first function: %s", got)
	}
	if got := functionURL(second, c); got != "https://b--shop.fngen.localhost" {
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
	text, err := encodeJobs(lowered)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := decodeJobs([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	again, err := encodeJobs(decoded)
	if err != nil || again != text {
		t.Errorf("jobs changed in the store: %v\n%s\n%s", err, text, again)
	}
}
