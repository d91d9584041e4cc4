package resolve

import (
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/net/idna"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/ir"
)

var (
	hostLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	digits    = regexp.MustCompile(`^[0-9]+$`)
	// hostNames maps case and letters outside ASCII as browsers do. Hyphens are
	// hostLabel's: the usual check refuses host names that exist.
	hostNames = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.CheckHyphens(false), idna.StrictDomainName(true))
)

// domain reads a host name of the person's own, in the form that DNS has.
func (r *resolver) domain(u discover.Use, g given) string {
	v, ok := r.text(u, g, "domain")
	if !ok {
		return ""
	}
	host, ok := hostName(v.Str)
	if !ok {
		r.fault("FN1311", v.Place, fmt.Sprintf("domain %s is not a host name", v),
			"write it without scheme, port, path and a dot at its end, such as 'shop.example.com'")
		return ""
	}
	if ours := r.in.Domain; ours != "" && (host == ours || strings.HasSuffix(host, "."+ours)) {
		r.fault("FN1353", v.Place, fmt.Sprintf("domain %s belongs to the platform", v),
			"leave it out: each web app has an address of the platform's, and a domain is one of your own")
		return ""
	}
	if other, met := r.domains[host]; met {
		r.fault("FN1354", v.Place, fmt.Sprintf("%q and %q have one domain, %q", other.Function, u.Function, host),
			"give each a host name of its own, such as 'api."+host+"'", noteAt("the first is here", other.At))
		return ""
	}
	r.domains[host] = u
	r.diags.Add(diag.Diagnostic{
		Code: "FN1355", Severity: diag.Warning, File: v.Place.File, Line: v.Place.Line, Column: v.Place.Column, Width: v.Place.Width,
		Message: fmt.Sprintf("the platform does not serve domains of your own yet: nothing answers at %q", host),
		Help:    "until it does, the app answers at its address on the platform",
	})
	return host
}

// hostName is the form of a name in DNS, which is its own form. An address in
// digits is no name.
func hostName(text string) (string, bool) {
	host, err := hostNames.ToASCII(text)
	if again, wrong := hostNames.ToASCII(host); err != nil || wrong != nil || again != host {
		return "", false
	}
	labels := strings.Split(host, ".")
	// Python's side looks for the dot itself, not for one that is mapped to it.
	if !strings.Contains(text, ".") || len(labels) < 2 || len(host) > 253 || digits.MatchString(labels[len(labels)-1]) {
		return "", false
	}
	for _, l := range labels {
		if !hostLabel.MatchString(l) {
			return "", false
		}
	}
	return host, true
}

// hosts gives each web app its labels under the platform's domain: the first the
// project's name, each one its own. A lone app has its own too, so that a rollout
// can tell it from the one that it replaces, but is not refused for it.
//
// No two projects share a label: a project's name holds no "--", so the last one
// in a label is where the function ends.
func (r *resolver) hosts(p *ir.Project, uses []discover.Use) {
	if p.Name == "" {
		return
	}
	var apps []*ir.Function
	for i := range p.Functions {
		if p.Functions[i].WebApp != nil {
			apps = append(apps, &p.Functions[i])
		}
	}
	for i, f := range apps {
		if i == 0 {
			f.WebApp.Hosts = append(f.WebApp.Hosts, p.Name)
		}
		label := ir.Slug(f.Name) + "--" + p.Name
		if wrong, help := badLabel(label); wrong == "" {
			f.WebApp.Hosts = append(f.WebApp.Hosts, label)
		} else if len(apps) > 1 {
			r.fault("FN1302", placeOf(uses, f.Name), fmt.Sprintf("the host name %q %s", label, wrong), help)
		}
	}
}

// badLabel says what is wrong with a host label of ours, empty when nothing is.
func badLabel(label string) (wrong, help string) {
	switch {
	case len(label) > maxLabel:
		return fmt.Sprintf("has %d letters; it may have %d", len(label), maxLabel), "shorten the name of the function or of the project"
	case strings.HasPrefix(label, "xn--"):
		return "would be read as one of letters outside ASCII", "rename the function"
	}
	return "", ""
}
