package target

import (
	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/catalog"
	"fngen.dev/fngen/pkg/api"
)

// Offline is a platform that has all there is. Its domain is not known:
// the one in the jobs is a stand-in, and no faults are found by it.
func Offline() compiler.Target {
	t := compiler.Target{Pythons: []string{"3.10", "3.11", "3.12", "3.13", "3.14"}}
	for _, r := range catalog.Regions() {
		t.Regions = append(t.Regions, r.Name)
	}
	t.DefaultRegion = t.Regions[0]
	return t
}

// Of is the platform as the compiler knows it.
func Of(p api.Platform) compiler.Target {
	return compiler.Target{Regions: p.Regions, DefaultRegion: p.DefaultRegion, Domain: p.Domain, Pythons: p.Pythons, Powers: p.Powers}
}
