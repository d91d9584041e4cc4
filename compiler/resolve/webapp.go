package resolve

import (
	"fmt"
	"strings"

	"fngen.dev/fngen/compiler/catalog"
	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/literal"
)

var webappOptions = []option{
	{name: "framework", required: true},
	{name: "compute"},
	{name: "health", keyword: true},
	{name: "domain", keyword: true},
	{name: "release", keyword: true},
	{name: "processes", keyword: true},
	{name: "threads", keyword: true},
	{name: maxBody.name, keyword: true},
	{name: maxHeader.name, keyword: true},
	{name: keepAlive.name, keyword: true},
}

func exampleOf(power string) string {
	if power == "webapp" {
		return "write, for example, `@webapp(framework='fastapi')`"
	}
	return "write `@" + power + "()`"
}

// webapp resolves @webapp(framework, compute='server', *, health=None, domain=None,
// release=None, processes='auto', threads=None, max_body_mb=None, max_header_kb=None,
// keep_alive=None).
func (r *resolver) webapp(fn *ir.Function, u discover.Use) {
	g := r.options(u, webappOptions)
	w := &ir.WebApp{Compute: r.compute(u, g), Hosts: []string{}}
	w.Framework, _ = r.choice(u, g, "framework", catalog.Frameworks())
	if v, set := g["health"]; set && v.Kind != literal.None {
		w.Health = r.health(u, g)
	}
	if v, set := g["domain"]; set && v.Kind != literal.None {
		w.Domain = r.domain(u, g)
	}
	if v, set := g["release"]; set && v.Kind != literal.None {
		w.Release = r.release(u, g)
	}
	w.Processes, w.Threads = r.processes(u, g), r.threads(u, g)
	w.MaxBodyMB, w.MaxHeaderKB, w.KeepAlive = r.limit(u, g, maxBody), r.limit(u, g, maxHeader), r.limit(u, g, keepAlive)
	r.noArguments(u)
	r.runs(u)
	r.returns(u)
	fn.Power, fn.WebApp = ir.PowerWebApp, w
}

func (r *resolver) health(u discover.Use, g given) string {
	v, ok := r.text(u, g, "health")
	if !ok {
		return ""
	}
	if !ir.ValidHealth(v.Str) {
		r.fault("FN1310", v.Place, fmt.Sprintf("health %s is not a path", v),
			"start it with a slash and use letters, digits and / _ . ~ - only, such as '/healthz'")
	}
	return v.Str
}

// release is a line of shell. Nomad reads it before the shell does, so what means
// something to Nomad has no way through.
func (r *resolver) release(u discover.Use, g given) string {
	v, ok := r.text(u, g, "release")
	if !ok {
		return ""
	}
	if fault := ir.ReleaseFault(v.Str); fault != "" {
		help := "put the commands into a file of the tree and run that, as in `release='sh release.sh'`"
		if strings.TrimSpace(v.Str) == "" {
			help = "leave it out, or write a command such as 'python manage.py migrate'"
		}
		r.fault("FN1358", v.Place, fmt.Sprintf("release of @%s %s", u.Power, fault), help)
		return ""
	}
	return v.Str
}

// returns refuses a function that gives the platform no app to serve.
func (r *resolver) returns(u discover.Use) {
	if u.Gives || u.Generator {
		return
	}
	app := "app"
	for _, a := range r.in.Apps {
		if a.Place.File == u.Place.File && !a.Call {
			app = a.Name
			break
		}
	}
	r.fault("FN1362", u.At, fmt.Sprintf("%q returns nothing: it must return the app", u.Function), "end it with `return "+app+"`")
}

// noArguments: the platform calls the function to get the app, with nothing.
func (r *resolver) noArguments(u discover.Use) {
	for _, p := range u.Parameters {
		if p.Default != nil || strings.HasPrefix(p.Kind, "var_") {
			continue
		}
		r.fault("FN1312", u.At, fmt.Sprintf("%q needs the argument %q, and a web app's function is called without any", u.Function, p.Name),
			"give the parameter a default, or remove it")
	}
}
