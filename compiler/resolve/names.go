package resolve

import (
	"fmt"
	"strings"

	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/literal"
)

const maxLabel = 63 // of a DNS name, RFC 1035

func (r *resolver) checkName(u discover.Use) {
	if !ir.ValidFunctionName(u.Function) {
		r.fault("FN1302", u.At, fmt.Sprintf("%q cannot be the name of a function with a Power", u.Function),
			"use 1 to 40 ASCII letters, digits and underscores, at least one of them no underscore")
	}
}

// checkPath refuses paths that mean something to Nomad, Consul or a shell.
func (r *resolver) checkPath(u discover.Use) {
	file := u.At.File
	if hazard := ir.Hazard(file); hazard != "" {
		r.fault("FN1305", u.At, fmt.Sprintf("the path %q of a function with a Power holds %s", file, hazard), "rename the file or directory")
	} else if len(file) > ir.MaxFilePath {
		r.fault("FN1305", u.At, fmt.Sprintf("the path of a function with a Power has %d bytes; it may have %d", len(file), ir.MaxFilePath), "move the file nearer to the root")
	}
}

// uniqueNames: a name is a job, a slug a host. Neither can be two functions', of
// whatever Powers: a task worker may become a web app.
func (r *resolver) uniqueNames(uses []discover.Use) {
	names, slugs := map[string]discover.Use{}, map[string]discover.Use{}
	for _, u := range uses {
		slug := ir.Slug(u.Function)
		if other, met := names[u.Function]; met {
			r.fault("FN1303", u.At, fmt.Sprintf("two functions with a Power are named %q", u.Function), "give each a name of its own", noteAt("the first is here", other.At))
		} else if other, met := slugs[slug]; met && slug != "" {
			r.fault("FN1303", u.At, fmt.Sprintf("%q and %q would both be %q in addresses", other.Function, u.Function, slug), "rename one of them: case does not count there, and underscores become hyphens", noteAt("the first is here", other.At))
		}
		if _, met := names[u.Function]; !met {
			names[u.Function] = u
		}
		if _, met := slugs[slug]; !met {
			slugs[slug] = u
		}
	}
}

// shadowedSDK: the tree comes first on sys.path, so a module of that name would
// hide the SDK from the code.
func (r *resolver) shadowedSDK() {
	for _, f := range r.in.Tree.Files {
		first, _, _ := strings.Cut(f.Path, "/")
		if f.Path == "fngen.py" || first == "fngen" && first != f.Path && strings.HasSuffix(f.Path, ".py") {
			r.fault("FN1316", literal.Place{File: f.Path}, fmt.Sprintf("%q hides the fngen package from your code", f.Path), "rename the module")
			return
		}
	}
}

func placeOf(uses []discover.Use, name string) literal.Place {
	for _, u := range uses {
		if u.Function == name {
			return u.At
		}
	}
	return literal.Place{}
}
