package discover

import (
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/literal"
)

// App is a web application of the code, found so that a tree without Powers can
// be told what to add. Name is what it is bound to, or the function that makes
// it where Call is true.
type App struct {
	Name, Framework string
	Call            bool
	Place           literal.Place
}

// frameworkCalls make an application, by the last part of their name.
var frameworkCalls = map[string]string{
	"FastAPI": "fastapi", "Flask": "flask", "get_asgi_application": "django", "get_wsgi_application": "django",
}

// factory is the function at module level that is being read, and the
// applications that it has bound to names.
type factory struct {
	name token
	apps map[string]string
	made bool
}

// isFramework reports whether a module has one of these calls.
func isFramework(module string) bool {
	first, _, _ := strings.Cut(module, ".")
	return first == "fastapi" || first == "flask" || first == "django"
}

// framework is that of a call such as "fastapi.FastAPI(...)", or empty.
func (s *scanner) framework(value []token) string {
	dotted, rest := s.dotted(value)
	if dotted == "" || len(rest) < 2 || !s.is(rest[0], "(") || s.closing(rest, 0) != len(rest)-1 {
		return ""
	}
	for _, a := range s.out.Apps {
		if a.Call && a.Name == dotted {
			return a.Framework
		}
	}
	return frameworkCalls[dotted[strings.LastIndexByte(dotted, '.')+1:]]
}

// app notes "NAME = FastAPI(...)" and its like.
func (s *scanner) app(name token, value []token) {
	if !s.apps || s.inMain() {
		return
	}
	framework := s.framework(value)
	switch {
	case framework == "":
	case s.atModuleLevel():
		s.out.Apps = append(s.out.Apps, App{Name: s.name(name), Framework: framework, Place: s.placeOf(name)})
	case s.factory != nil && s.scopes() == 1:
		s.factory.apps[s.name(name)] = framework
	}
}

// makes begins a function that may return an application. One that needs
// arguments, or that something else decorates, cannot be called just so.
func (s *scanner) makes(name token, params []ir.Parameter, plain bool) {
	if !s.apps || s.scopes() > 0 {
		return
	}
	s.factory = nil
	needs := slices.ContainsFunc(params, func(p ir.Parameter) bool { return p.Default == nil && !strings.HasPrefix(p.Kind, "var_") })
	if plain && !needs && !s.inMain() && !isTest(s.out.File) {
		s.factory = &factory{name: name, apps: map[string]string{}}
	}
}

// returns notes "return app" in such a function.
func (s *scanner) returns(toks []token) {
	f := s.factory
	if f == nil || f.made || len(toks) < 2 || !s.is(toks[0], "return") || s.scopes() != 1 {
		return
	}
	framework := s.framework(toks[1:])
	if dotted, rest := s.dotted(toks[1:]); len(rest) == 0 {
		framework = f.apps[dotted]
	}
	if framework != "" {
		f.made = true
		s.out.Apps = append(s.out.Apps, App{Name: s.name(f.name), Framework: framework, Call: true, Place: s.placeOf(f.name)})
	}
}

// scopes is how many functions and classes are open.
func (s *scanner) scopes() int {
	n := 0
	for _, b := range s.blocks {
		if b.scope != "" {
			n++
		}
	}
	return n
}
