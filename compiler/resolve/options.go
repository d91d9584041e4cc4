package resolve

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/literal"
)

// option describes one option of a Power.
type option struct {
	name string
	// keyword options cannot be given by position.
	keyword  bool
	required bool
}

// given are the options of one function, from its decorator and from fngen.yml.
type given map[string]literal.Value

// options binds the arguments of a decorator as Python would, then lets
// fngen.yml take their place.
func (r *resolver) options(u discover.Use, spec []option) given {
	out, unread := given{}, false
	next := 0
	for _, a := range u.Args {
		name := a.Name
		switch {
		case strings.HasPrefix(name, "*"):
			unread = true
			continue
		case name == "":
			if next >= len(spec) || spec[next].keyword {
				r.fault("FN1307", a.Value.Place, fmt.Sprintf("@%s takes no more than %s by position", u.Power, byPosition(spec)), "name the option, as in `name=value`")
				continue
			}
			name = spec[next].name
			next++
		case !known(spec, name):
			if near := r.unknownOption(u.Power, name, a.Place, spec); near != "" {
				out[near] = literal.Value{} // meant, and not to be missed once more
			}
			continue
		}
		if _, twice := out[name]; twice {
			r.fault("FN1307", a.Place, fmt.Sprintf("@%s is given %q twice", u.Power, name), "remove one of them")
			continue
		}
		out[name] = a.Value
	}
	r.override(u, spec, out)
	for _, o := range spec {
		if _, ok := out[o.name]; !ok && o.required && !unread {
			r.fault("FN1306", u.Place, fmt.Sprintf("@%s needs %q", u.Power, o.name), exampleOf(u.Power))
		}
	}
	return out
}

func byPosition(spec []option) string {
	var names []string
	for _, o := range spec {
		if !o.keyword {
			names = append(names, strconv.Quote(o.name))
		}
	}
	return strings.Join(names, " and ")
}

func known(spec []option, name string) bool {
	return slices.ContainsFunc(spec, func(o option) bool { return o.name == name })
}

func (r *resolver) unknownOption(power, name string, at literal.Place, spec []option) (near string) {
	var names []string
	for _, o := range spec {
		names = append(names, o.name)
	}
	help := "its options are " + strings.Join(names, ", ")
	if near = diag.Nearest(name, names); near != "" {
		help = "did you mean `" + near + "`?"
	}
	r.fault("FN1307", at, fmt.Sprintf("@%s has no option %q", power, name), help)
	return near
}

func (r *resolver) override(u discover.Use, spec []option, out given) {
	for _, o := range r.in.Config.Functions {
		if o.Function.Value != u.Function {
			continue
		}
		for _, opt := range o.Options {
			if known(spec, opt.Name) {
				out[opt.Name] = opt.Value
			} else {
				r.unknownOption(u.Power, opt.Name, opt.Place, spec)
			}
		}
	}
}

// overridesUsed reports overrides of functions that do not exist.
func (r *resolver) overridesUsed(uses []discover.Use) {
	var names []string
	for _, u := range uses {
		names = append(names, u.Function)
	}
	for _, o := range r.in.Config.Functions {
		if slices.Contains(names, o.Function.Value) {
			continue
		}
		help := "the functions with a Power are " + strings.Join(names, ", ")
		if near := diag.Nearest(o.Function.Value, names); near != "" {
			help = "did you mean `" + near + "`?"
		} else if len(names) == 0 {
			help = "remove it, or give the function a Power"
		}
		r.fault("FN1304", o.Function.Place, fmt.Sprintf("no function with a Power is named %q", o.Function.Value), help)
	}
}

// text returns a string option; ok is false when it is missing or was reported.
func (r *resolver) text(u discover.Use, g given, name string) (v literal.Value, ok bool) {
	v, ok = g[name]
	if !ok || v.Kind == literal.Bad {
		return v, false
	}
	if v.Kind != literal.Str {
		r.fault("FN1308", v.Place, fmt.Sprintf("%q of @%s must be text, not %s", name, u.Power, v), "write it in quotes")
		return v, false
	}
	return v, true
}

// choice returns a string option that must be one of several.
func (r *resolver) choice(u discover.Use, g given, name string, among []string) (string, bool) {
	v, ok := r.text(u, g, name)
	if !ok {
		return "", false
	}
	if slices.Contains(among, v.Str) {
		return v.Str, true
	}
	help := name + " is one of " + strings.Join(among, ", ")
	if near := diag.Nearest(v.Str, among); near != "" {
		help = "did you mean `" + near + "`?"
	}
	r.fault("FN1308", v.Place, fmt.Sprintf("unknown %s %s", name, v), help)
	return "", false
}

var computes = []string{"server", "serverless"}

// compute is where a function runs.
func (r *resolver) compute(u discover.Use, g given) string {
	if _, set := g["compute"]; !set {
		return "server"
	}
	v, _ := r.choice(u, g, "compute", computes)
	if v == "serverless" {
		r.fault("FN1309", g["compute"].Place, "compute='serverless' is not available yet", "use compute='server'")
	}
	return v
}

// bounds are the least and the most that a number may be, and what it is when it
// is left out.
type bounds struct{ least, most, byDefault int }

// whole returns an option that is a whole number.
func (r *resolver) whole(u discover.Use, g given, name string, b bounds) int {
	v, set := g[name]
	switch {
	case !set || v.Kind == literal.Bad:
	case v.Kind != literal.Int:
		r.fault("FN1308", v.Place, fmt.Sprintf("%q of @%s must be a whole number, not %s", name, u.Power, v), fmt.Sprintf("write it in digits, such as %d", b.byDefault))
	case v.Int < int64(b.least) || v.Int > int64(b.most):
		r.fault("FN1350", v.Place, fmt.Sprintf("%q of @%s is %d; it may be %d to %d", name, u.Power, v.Int, b.least, b.most), fmt.Sprintf("it is %d when you leave it out", b.byDefault))
	default:
		return int(v.Int)
	}
	return b.byDefault
}
