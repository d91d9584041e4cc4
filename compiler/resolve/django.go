package resolve

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/source"
)

// localHosts are what Django admits when ALLOWED_HOSTS is empty and DEBUG is on.
var localHosts = []string{".localhost", "127.0.0.1", "[::1]"}

// The middleware that refuses other hosts for every view. Django's default for
// MIDDLEWARE is none at all.
const commonMiddleware = "django.middleware.common.CommonMiddleware"

// django reads the settings of Django apps. It notes whose static files are to be
// collected, and warns of settings by which an app would answer 400 to whoever
// asks, the platform's health check included. That is no error, since the
// environment may name another module of settings. Only a list that is written
// out is judged.
//
// There is nothing to say of CSRF_TRUSTED_ORIGINS and SECURE_PROXY_SSL_HEADER:
// the runtime passes the scheme and the host that the person's browser uses.
func (r *resolver) django(p *ir.Project) {
	var judged []string
	for _, f := range p.Functions {
		if f.WebApp == nil || f.WebApp.Framework != "django" {
			continue
		}
		module := r.settingsOf(f.File)
		if module == "" {
			continue
		}
		modules := r.modules()
		setting := func(name string) discover.Setting { return modules.Setting(f.File, module, name) }
		if ir.ValidModule(module) && mayBeSet(setting("STATIC_ROOT")) {
			f.WebApp.Static = module
		}
		if slices.Contains(judged, module) || len(f.WebApp.Hosts) == 0 {
			continue // one warning for one list
		}
		judged = append(judged, module)
		r.allowedHosts(f.WebApp.Hosts[0], setting("ALLOWED_HOSTS"), setting("DEBUG"), setting("MIDDLEWARE"))
	}
}

// modules reads any name of any file of the tree.
func (r *resolver) modules() *discover.Modules {
	var files []string
	for _, f := range r.in.Tree.Files {
		if strings.HasSuffix(f.Path, ".py") {
			files = append(files, f.Path)
		}
	}
	return discover.NewModules(files, func(file string) ([]byte, error) { return source.ReadText(r.in.Tree.FS, file) })
}

// mayBeSet reports whether a setting has a value as far as is known. Where the
// settings are made as they run, only running them tells.
func mayBeSet(s discover.Setting) bool {
	return !s.Known || s.Bound && s.Value.Kind != literal.None && (s.Value.Kind != literal.Str || s.Value.Str != "")
}

// settingsOf is the module of settings that a function's file names, or else the
// files that Django makes for a project. It is empty when they name several.
func (r *resolver) settingsOf(file string) string {
	for _, from := range []func(string) bool{
		func(at string) bool { return at == file },
		func(at string) bool { return path.Base(at) == "asgi.py" || path.Base(at) == "wsgi.py" },
		func(at string) bool { return at == "manage.py" },
	} {
		var modules []string
		for _, s := range r.in.Settings {
			if from(s.Place.File) && !slices.Contains(modules, s.Module) {
				modules = append(modules, s.Module)
			}
		}
		if len(modules) > 0 {
			return only(modules)
		}
	}
	return ""
}

func only(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	return ""
}

func (r *resolver) allowedHosts(label string, allowed, debug, middleware discover.Setting) {
	hosts, known := texts(allowed)
	if !known || !r.refuses(middleware) {
		return
	}
	listed := hosts
	if len(hosts) == 0 && (!debug.Known || debug.Value.Bool) {
		hosts = localHosts
	}
	if slices.ContainsFunc(hosts, func(pattern string) bool { return r.admits(pattern, label, len(listed) == 0) }) {
		return
	}
	host := label + "." + r.in.Domain
	if r.in.Domain == "" {
		host = label + ".<the platform's domain>"
	}
	msg := fmt.Sprintf("ALLOWED_HOSTS does not admit %q: Django will answer 400 to every request, and the platform's health check is one", host)
	if len(listed) == 0 {
		msg = fmt.Sprintf("ALLOWED_HOSTS is empty, which does not admit %q: Django will answer 400 to every request, and the platform's health check is one", host)
	}
	at := allowed.Place
	r.diags.Add(diag.Diagnostic{Code: "FN1330", Severity: diag.Warning, Message: msg, Help: r.hostsHelp(listed),
		File: at.File, Line: at.Line, Column: at.Column, Width: at.Width})
}

// refuses reports whether every request meets the check of its host, as far as
// is known.
func (r *resolver) refuses(middleware discover.Setting) bool {
	list, known := texts(middleware)
	return !known || slices.Contains(list, commonMiddleware)
}

// texts are the strings of a list or tuple; a setting that is not bound is
// empty, as all of those that are asked for here are by default.
func texts(s discover.Setting) ([]string, bool) {
	if !s.Known || s.Bound && s.Value.Kind != literal.List && s.Value.Kind != literal.Tuple {
		return nil, false
	}
	var out []string
	for _, item := range s.Value.Items {
		if item.Kind != literal.Str {
			return nil, false
		}
		out = append(out, item.Str)
	}
	return out, true
}

// admits matches as Django does. Where the domain is not known, a pattern admits
// what it could; only those for a machine of one's own cannot.
func (r *resolver) admits(pattern, label string, local bool) bool {
	pattern = strings.ToLower(pattern)
	if r.in.Domain == "" {
		return !local && (pattern == "*" || strings.HasPrefix(pattern, ".") || strings.HasPrefix(pattern, label+"."))
	}
	host := label + "." + strings.ToLower(r.in.Domain)
	return pattern == "*" || pattern == host || strings.HasPrefix(pattern, ".") && (strings.HasSuffix(host, pattern) || host == pattern[1:])
}

// hostsHelp is the line to write.
func (r *resolver) hostsHelp(listed []string) string {
	if r.in.Domain == "" {
		return "write `ALLOWED_HOSTS = ['*']`, for the platform passes on only requests for the project's own hosts; or name its domain, as in `'.fngen.example'`"
	}
	var items []string
	for _, h := range append(slices.Clone(listed), "."+r.in.Domain) {
		items = append(items, "'"+h+"'")
	}
	if len(items) > 4 {
		return "add '." + r.in.Domain + "' to the list"
	}
	return "write `ALLOWED_HOSTS = [" + strings.Join(items, ", ") + "]`"
}
