package discover

import (
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/catalog"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/python"
)

// App is a web application of the code, found so that a tree without Powers can
// be told what to add. Name is what it is bound to, or the function that makes
// it where Call is true.
type App struct {
	Name, Framework string
	Call            bool
	// Bare says that it is a function that a server calls for each request.
	Bare  bool
	Place literal.Place
}

// factory is the function at module level that is being read, and the
// applications that it has bound to names.
type factory struct {
	name python.Token
	apps map[string]string
	made bool
}

// frameworkImport notes what is imported from a framework.
func (s *scanner) frameworkImport(bound, module, name string) {
	if _, ok := catalog.FrameworkOf(module); !ok {
		return
	}
	s.apps = true
	if bound == "*" {
		return
	}
	if s.origins == nil {
		s.origins = map[string]string{}
	}
	s.origins[bound] = joined(module, name)
}

// framework is that of a call such as "fastapi.FastAPI(...)", or empty. first says
// that the app is the first of several things that it returns.
func (s *scanner) framework(value []python.Token) (name string, first bool) {
	dotted, rest := s.dotted(value)
	if dotted == "" || len(rest) < 2 || !s.is(rest[0], "(") || python.Closing(rest, 0) != len(rest)-1 {
		return "", false
	}
	for _, a := range s.out.Apps {
		if a.Call && a.Name == dotted {
			return a.Framework, false
		}
	}
	begin, below, _ := strings.Cut(dotted, ".")
	origin, imported := s.origins[begin]
	if imported {
		dotted = joined(origin, below)
	}
	f, call, _ := catalog.MakerOf(dotted, imported)
	return f.Name, call.First
}

// app notes "NAME = FastAPI(...)" and its like; several says that there are more
// names, as in "app, rt = fast_app()".
func (s *scanner) app(name python.Token, value []python.Token, several bool) {
	if !s.apps || s.inMain() {
		return
	}
	framework, first := s.framework(value)
	switch {
	case framework == "" || first != several:
	case s.atModuleLevel():
		s.out.Apps = append(s.out.Apps, App{Name: s.name(name), Framework: framework, Place: s.placeOf(name)})
	case s.factory != nil && s.scopes() == 1:
		s.factory.apps[s.name(name)] = framework
	}
}

// makes begins a function that may return an application. One that needs
// arguments, or that something else decorates, cannot be called just so.
func (s *scanner) makes(name python.Token, params []ir.Parameter, plain bool) {
	if !s.apps || s.scopes() > 0 {
		return
	}
	s.factory = nil
	needs := slices.ContainsFunc(params, func(p ir.Parameter) bool { return p.Default == nil && !strings.HasPrefix(p.Kind, "var_") })
	if plain && !needs && !s.inMain() && !isTest(s.out.File) {
		s.factory = &factory{name: name, apps: map[string]string{}}
	}
}

// bare notes a function that is an application itself: it takes what a server
// calls one with, under the names that everybody gives them.
func (s *scanner) bare(name python.Token, params []ir.Parameter, async bool) {
	kind, want := "wsgi", []string{"environ", "start_response"}
	if async {
		kind, want = "asgi", []string{"scope", "receive", "send"}
	}
	if len(params) < len(want) || s.scopes() > 0 || s.inMain() || isTest(s.out.File) {
		return
	}
	for i, p := range params {
		if i < len(want) && p.Name != want[i] || i >= len(want) && p.Default == nil {
			return
		}
	}
	s.out.Apps = append(s.out.Apps, App{Name: s.name(name), Framework: kind, Bare: true, Place: s.placeOf(name)})
}

// returns notes "return app" in such a function.
func (s *scanner) returns(toks []python.Token) {
	f := s.factory
	if f == nil || f.made || len(toks) < 2 || !s.is(toks[0], "return") || s.scopes() != 1 {
		return
	}
	framework, first := s.framework(toks[1:])
	if dotted, rest := s.dotted(toks[1:]); len(rest) == 0 {
		framework = f.apps[dotted]
	}
	if framework != "" && !first {
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
