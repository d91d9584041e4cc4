package deploy

import (
	"testing"

	"fngen.dev/fngen/compiler/ir"
)

// TestWebAppMoves holds that a function which answers at more hosts is a copy.
func TestWebAppMoves(t *testing.T) {
	f := ir.Function{Name: "site", Power: ir.PowerWebApp, WebApp: &ir.WebApp{Hosts: []string{"shop", "site--shop"}}}
	moved := movedTo(f, []string{"old", "site--shop"})
	if got := traitsOf(moved); got.firstHost() != "old" || got.ownHost() != "site--shop" {
		t.Errorf("it moved to %+v", got.hosts)
	}
	if got := traitsOf(f); got.firstHost() != "shop" || got.ownHost() != "site--shop" {
		t.Errorf("what it was made of has %+v", got.hosts)
	}
}
