package deploy

import (
	"testing"

	"fngen.dev/fngen/compiler/ir"
)

// TestNobodyAsksWithoutHosts holds that a function to which the router does not lead
// is ready when Nomad says so: this change has no router that could be asked.
func TestNobodyAsksWithoutHosts(t *testing.T) {
	f := ir.Function{Name: "resize", Power: ir.PowerTaskWorker, TaskWorker: &ir.TaskWorker{}}
	has := traitsOf(f)
	if has.ownHost() != "" || has.firstHost() != "" {
		t.Errorf("it has hosts: %+v", has)
	}
	if err := new(change).answers(t.Context(), f, has.ownHost(), []string{"allocation"}); err != nil {
		t.Error(err)
	}
}

// TestWebAppMoves holds that a function which answers at more hosts is a copy.
func TestWebAppMoves(t *testing.T) {
	f := ir.Function{Name: "site", Power: ir.PowerWebApp, WebApp: &ir.WebApp{Hosts: []string{"shop", "site--shop"}}}
	moved := powers[f.Power].moved(f, []string{"old", "site--shop"})
	if got := traitsOf(moved); got.firstHost() != "old" || got.ownHost() != "site--shop" {
		t.Errorf("it moved to %+v", got.hosts)
	}
	if got := traitsOf(f); got.firstHost() != "shop" || got.ownHost() != "site--shop" {
		t.Errorf("what it was made of has %+v", got.hosts)
	}
}
