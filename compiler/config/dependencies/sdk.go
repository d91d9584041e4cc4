package dependencies

import (
	"fmt"
	"strings"

	"fngen.dev/fngen/compiler/config/document"
	"fngen.dev/fngen/compiler/config/pep"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/literal"
)

// SDK is the package of fngen itself. The platform installs its own and no other,
// whoever asks for it: an index has an earlier program of that name.
const SDK = "fngen"

// otherSDK warns of a requirement that the platform's own does not fit. A name or
// a path says nothing of a version; a URL does.
func (r *requirements) otherSDK(at literal.Place, req pep.Requirement) {
	if pep.NormalName(req.Name) != SDK {
		return
	}
	asked := SDK + strings.Join(req.Specifiers, ",")
	if req.URL != "" {
		asked = SDK + " @ " + mask(req.URL)
	}
	if req.URL == "" && fits(ir.SDKVersion, req.Specifiers) {
		return
	}
	r.warn("FN1139", at, fmt.Sprintf("%q is not followed: the platform has its own %s, %s", asked, SDK, ir.SDKVersion),
		fmt.Sprintf("write `%s` alone, or with versions that %s is one of", SDK, ir.SDKVersion))
}

// lockedSDK warns of another version in a lock file than the platform's, when it is
// from an index.
func (r *requirements) lockedSDK(p *document.Value) {
	if v := p.Text("version"); p.Get("source", "registry") != nil && v.Value != "" {
		r.otherSDK(v.Place, pep.Requirement{Name: SDK, Specifiers: []string{"==" + v.Value}})
	}
}

// fits judges a version. What it cannot judge fits.
func fits(version string, specifiers []string) bool {
	v, _ := pep.ParseVersion(version)
	for _, s := range specifiers {
		if ok, valid := v.Meets([]string{s}); valid && !ok {
			return false
		}
	}
	return true
}
