package power

import (
	"testing"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
)

// TestWebAppMoves holds that a function which answers at more hosts is a copy.
func TestWebAppMoves(t *testing.T) {
	f := ir.Function{Name: "site", Power: ir.PowerWebApp, WebApp: &ir.WebApp{Hosts: []string{"shop", "site--shop"}}}
	moved := At(f, []string{"old", "site--shop"})
	if got := Of(moved); got.FirstHost() != "old" || got.OwnHost() != "site--shop" {
		t.Errorf("it moved to %+v", got.Hosts)
	}
	if got := Of(f); got.FirstHost() != "shop" || got.OwnHost() != "site--shop" {
		t.Errorf("what it was made of has %+v", got.Hosts)
	}
}

// TestURLs holds CONTRACT: the first web app has the project's own name, every
// other one the name of its function before it.
func TestURLs(t *testing.T) {
	c := jobs.DefaultCluster()
	first := ir.Function{Name: "a", Power: ir.PowerWebApp, WebApp: &ir.WebApp{Hosts: []string{"a--shop", "shop"}}}
	second := ir.Function{Name: "b", Power: ir.PowerWebApp, WebApp: &ir.WebApp{Hosts: []string{"b--shop"}}}
	project := ir.Project{Name: "shop", Functions: []ir.Function{second, first}}
	if got := URL(first, c); got != "https://shop.fngen.localhost" {
		t.Errorf("first function: %s", got)
	}
	if got := URL(second, c); got != "https://b--shop.fngen.localhost" {
		t.Errorf("second function: %s", got)
	}
	if got := ProjectURL(project, c); got != "https://shop.fngen.localhost" {
		t.Errorf("project: %s", got)
	}
	c.Port = 8443
	if got := ProjectURL(project, c); got != "https://shop.fngen.localhost:8443" {
		t.Errorf("project behind another port: %s", got)
	}
}
