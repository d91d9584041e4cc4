package resolve

import (
	"fmt"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/catalog"
	"fngen.dev/fngen/compiler/config"
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
		out = append(out, s.Server)
	}
	return out
}

func (r *resolver) region(t config.Text) {
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
