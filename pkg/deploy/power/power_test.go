package power

import (
	"testing"

	"fngen.dev/fngen/compiler/ir"
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
