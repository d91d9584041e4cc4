package resolve

import (
	"fmt"
	"regexp"
	"strings"

	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/literal"
)

var (
	webappOptions = []option{
		{name: "framework", required: true},
		{name: "compute"},
		{name: "health", keyword: true},
		{name: "domain", keyword: true},
	}
	frameworks = []string{"fastapi", "flask", "django"}
	computes   = []string{"server", "serverless"}
	healthPath = regexp.MustCompile(`^/[A-Za-z0-9/_.~-]*$`)
	hostLabel  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

func exampleOf(power string) string {
	if power == "webapp" {
		return "write, for example, `@webapp(framework='fastapi')`"
	}
	return "write `@" + power + "()`"
}

// webapp resolves @webapp(framework, compute='server', *, health='/', domain=None).
func (r *resolver) webapp(fn *ir.Function, u discover.Use) {
	g := r.options(u, webappOptions)
	w := &ir.WebApp{Compute: "server", Health: "/", Hosts: []string{}}
	w.Framework, _ = r.choice(u, g, "framework", frameworks)
	if _, set := g["compute"]; set {
		w.Compute, _ = r.choice(u, g, "compute", computes)
		if w.Compute == "serverless" {
			r.fault("FN1309", g["compute"].Place, "compute='serverless' is not available yet", "use compute='server'")
		}
	}
	if v, ok := r.text(u, g, "health"); ok {
		w.Health = v.Str
		if !safePath(v.Str) {
			r.fault("FN1310", v.Place, fmt.Sprintf("health %s is not a path", v),
				"start it with a slash and use letters, digits and / _ . ~ - only, such as '/healthz'")
		}
	}
	if v, set := g["domain"]; set && v.Kind != literal.None {
		w.Domain = r.domain(u, g)
	}
	r.noArguments(u)
	fn.Power, fn.WebApp = ir.PowerWebApp, w
}

func safePath(p string) bool {
	if len(p) > 200 || !healthPath.MatchString(p) || strings.Contains(p, "//") {
		return false
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == "." || part == ".." {
			return false
		}
	}
	return true
}

func (r *resolver) domain(u discover.Use, g given) string {
	v, ok := r.text(u, g, "domain")
	if !ok {
		return ""
	}
	host := strings.ToLower(v.Str)
	labels := strings.Split(host, ".")
	valid := len(labels) > 1 && len(host) <= 253
	for _, l := range labels {
		valid = valid && hostLabel.MatchString(l)
	}
	if !valid {
		r.fault("FN1311", v.Place, fmt.Sprintf("domain %s is not a host name", v), "write it without scheme, port and path, such as 'shop.example.com'")
	}
	return host
}

// noArguments: the platform calls the function to get the app, with nothing.
func (r *resolver) noArguments(u discover.Use) {
	for _, p := range u.Parameters {
		if p.Default != nil || strings.HasPrefix(p.Kind, "var_") {
			continue
		}
		r.fault("FN1312", u.At, fmt.Sprintf("%q needs the argument %q, and a web app's function is called without any", u.Function, p.Name),
			"give the parameter a default, or remove it")
		return
	}
}
