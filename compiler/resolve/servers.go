package resolve

import (
	"fmt"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/catalog"
	"fngen.dev/fngen/compiler/config"
	"fngen.dev/fngen/compiler/config/document"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
)

// servers is the fleet of fngen.yml, or one server of the default size.
func (r *resolver) servers() []ir.Server {
	if len(r.in.Config.Servers) == 0 {
		return []ir.Server{{Name: "default", Size: catalog.DefaultSize(), Region: r.in.DefaultRegion, Count: 1}}
	}
	out := []ir.Server{}
	for _, s := range r.in.Config.Servers {
		r.region(s.Region)
		r.disk(s)
		out = append(out, s.Server)
	}
	return out
}

// systemGB is what of a server's disk the system, the platform and the packages of
// a project take.
const systemGB = 3

// disk refuses a server on which two versions of the tree do not fit: while one
// takes the place of the other, both are there.
func (r *resolver) disk(s config.Server) {
	size, ok := catalog.LookupSize(s.Size)
	tree := r.in.Tree.Size()
	if !ok || 2*tree <= int64(size.DiskGB-systemGB)*1e9 {
		return
	}
	r.fault("FN1359", s.Place, fmt.Sprintf("the tree has %.1f GB; a server of size %s has a disk of %d GB, which holds two versions of at most %.1f GB beside the system",
		float64(tree)/1e9, s.Size, size.DiskGB, float64(size.DiskGB-systemGB)/2),
		"choose a larger size, or list in .fnignore what the code does not need")
}

func (r *resolver) region(t document.Text) {
	if t.Place.Line == 0 || slices.Contains(r.in.Regions, t.Value) {
		return // a missing one was reported where it is read
	}
	have := "it has servers in " + strings.Join(r.in.Regions, ", ")
	for _, known := range catalog.Regions() {
		if known.Name == t.Value {
			r.fault("FN1318", t.Place, fmt.Sprintf("this platform has no servers in %q", t.Value), have)
			return
		}
	}
	help := have
	if near := diag.Nearest(t.Value, r.in.Regions); near != "" {
		help = "did you mean `" + near + "`? " + have
	}
	r.fault("FN1317", t.Place, fmt.Sprintf("unknown region %q", t.Value), help)
}
