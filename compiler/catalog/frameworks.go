package catalog

import "strings"

// Framework is a value of @webapp's option framework: what the function's app is
// made with, or how any app is called.
//
// What an app looks like when it is there, the runtime knows
// (sdk/python/src/fngen/runtime/frameworks.py); a test holds that both, and the
// decorator, know the same names.
type Framework struct {
	Name string
	// Kinds are the interfaces by which the apps are called: "asgi", "wsgi".
	Kinds []string
	// Packages are what installs it, the usual one first. There are none for a name
	// that says how an app is called and no more.
	Packages []string
	// Module is the top-level module that it is imported from.
	Module string
	// Calls make an app.
	Calls []Call
	// Provided is what a tree without a requirement file gets, so that one file of
	// Python is a whole project: the newest version for each Python, the newest Python
	// first. Pinned: a push of an old tree must not change by itself.
	Provided []Provided
}

// Call is something that a framework has, by the last part of its path, which is
// called to make an app.
type Call struct {
	Name string
	// Common says that others have things of that name, so that only an import tells.
	Common bool
	// First says that it returns several things, the app first.
	First bool
}

// Provided is a requirement for Python 3.From and newer.
type Provided struct {
	From        int
	Requirement string
}

// frameworks are in the order in which they are shown. The versions are those of
// November 2026.
var frameworks = []Framework{
	{
		Name: "fastapi", Kinds: asgi, Packages: []string{"fastapi", "fastapi-slim"}, Module: "fastapi",
		Calls:    []Call{{Name: "FastAPI"}},
		Provided: []Provided{{11, "fastapi==0.165.0"}, {10, "fastapi==0.162.5"}},
	},
	{
		Name: "flask", Kinds: wsgi, Packages: []string{"flask"}, Module: "flask",
		Calls:    []Call{{Name: "Flask"}},
		Provided: []Provided{{9, "flask==3.1.3"}},
	},
	{
		Name: "django", Kinds: both, Packages: []string{"django"}, Module: "django",
		Calls:    []Call{{Name: "get_asgi_application"}, {Name: "get_wsgi_application"}},
		Provided: []Provided{{10, "django==5.2.19"}}, // long-term support
	},
	{
		Name: "starlette", Kinds: asgi, Packages: []string{"starlette"}, Module: "starlette",
		Calls:    []Call{{Name: "Starlette"}},
		Provided: []Provided{{11, "starlette==1.10.0"}, {10, "starlette==1.7.0"}},
	},
	{
		Name: "litestar", Kinds: asgi, Packages: []string{"litestar"}, Module: "litestar",
		Calls:    []Call{{Name: "Litestar"}},
		Provided: []Provided{{10, "litestar==2.25.0"}},
	},
	{
		Name: "fasthtml", Kinds: asgi, Packages: []string{"python-fasthtml"}, Module: "fasthtml",
		Calls:    []Call{{Name: "FastHTML"}, {Name: "fast_app", First: true}},
		Provided: []Provided{{10, "python-fasthtml==0.14.14"}},
	},
	{
		Name: "quart", Kinds: asgi, Packages: []string{"quart"}, Module: "quart",
		Calls:    []Call{{Name: "Quart"}},
		Provided: []Provided{{11, "quart==0.22.0"}, {10, "quart==0.20.0"}},
	},
	{
		Name: "falcon", Kinds: both, Packages: []string{"falcon"}, Module: "falcon",
		Calls:    []Call{{Name: "App", Common: true}, {Name: "API", Common: true}},
		Provided: []Provided{{10, "falcon==4.4.0"}},
	},
	{
		Name: "bottle", Kinds: wsgi, Packages: []string{"bottle"}, Module: "bottle",
		Calls:    []Call{{Name: "Bottle"}, {Name: "default_app", Common: true}, {Name: "app", Common: true}},
		Provided: []Provided{{9, "bottle==0.13.4"}},
	},
	{Name: "asgi", Kinds: asgi},
	{Name: "wsgi", Kinds: wsgi},
}

var (
	asgi = []string{"asgi"}
	wsgi = []string{"wsgi"}
	both = []string{"asgi", "wsgi"}
)

// Frameworks lists the names that the option takes.
func Frameworks() []string {
	var names []string
	for _, f := range frameworks {
		names = append(names, f.Name)
	}
	return names
}

// LookupFramework returns the framework of that name.
func LookupFramework(name string) (Framework, bool) {
	for _, f := range frameworks {
		if f.Name == name {
			return f, true
		}
	}
	return Framework{}, false
}

// FrameworkOf is the framework that a module belongs to, such as "falcon.asgi".
func FrameworkOf(module string) (Framework, bool) {
	first, _, _ := strings.Cut(module, ".")
	for _, f := range frameworks {
		if f.Module == first && first != "" {
			return f, true
		}
	}
	return Framework{}, false
}

// MakerOf finds the framework that a call of this dotted path makes an app of.
// imported says that the path begins at a module, else at a name whose origin is
// not known.
func MakerOf(path string, imported bool) (Framework, Call, bool) {
	name := path[strings.LastIndexByte(path, '.')+1:]
	for _, f := range frameworks {
		for _, c := range f.Calls {
			if c.Name != name {
				continue
			}
			if imported && strings.HasPrefix(path, f.Module+".") || !imported && !c.Common {
				return f, c, true
			}
		}
	}
	return Framework{}, Call{}, false
}
