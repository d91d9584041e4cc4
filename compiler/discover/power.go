package discover

import (
	"slices"
	"strconv"
	"strings"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/python"
)

// The Powers that the SDK exports, whether or not this platform has them yet.
var powers = []string{"scheduled_task", "task_worker", "web_form", "webapp"}

// sdkModules are the modules of the SDK, sdkNames what fngen.powers has beside
// the Powers.
var (
	sdkModules = []string{"platform", "powers", "runtime"}
	sdkNames   = []string{"Power"}
)

const powersModule = "fngen.powers"

func isFngen(path string) bool { return path == "fngen" || strings.HasPrefix(path, "fngen.") }

// power is the Power that a decorator's name stands for, or empty.
func (s *scanner) power(dotted string, at python.Token) string {
	return s.powerOf(s.fngenPath(dotted), dotted, at)
}

// fngenPath is the path of fngen's that an expression stands for, or empty. In
// the first reading a name from elsewhere is noted for the second.
func (s *scanner) fngenPath(dotted string) string {
	if dotted == "" || s.shallow {
		return ""
	}
	path := s.resolve(dotted)
	switch {
	case isFngen(path):
		return path
	case s.modules == nil:
		if path = s.refer(dotted); path != "" {
			s.out.Decorators = appendNew(s.out.Decorators, path)
		}
	case path != "":
		return s.modules.power(s.out.File, path)
	}
	return ""
}

// powerOf is the Power at a path of fngen's; a name that fngen does not have is
// reported where it is written as an attribute, for an import was reported
// where it stands.
func (s *scanner) powerOf(path, dotted string, at python.Token) string {
	name, inPowers := strings.CutPrefix(path, powersModule+".")
	switch {
	case inPowers && slices.Contains(powers, name):
		return name
	case inPowers && strings.Contains(dotted, "."):
		s.checkPower(name, at)
	case path == powersModule:
		s.report("FN1231", s.placeOf(at), strconv.Quote(dotted)+" is a module, not a Power", "name the Power, as in `@"+dotted+".webapp(framework='fastapi')`")
	case isFngen(path) && strings.Contains(dotted, "."):
		name, _, _ = strings.Cut(strings.TrimPrefix(path, "fngen."), ".")
		if s.checkModule(name, at); slices.Contains(powers, name) {
			return name
		}
	}
	return ""
}

// checkPower reports a name that fngen.powers does not have.
func (s *scanner) checkPower(name string, at python.Token) {
	if slices.Contains(powers, name) || slices.Contains(sdkNames, name) || strings.HasPrefix(name, "_") {
		return
	}
	help := "the Powers are " + strings.Join(powers, ", ")
	if near := diag.Nearest(name, powers); near != "" {
		help = "did you mean `" + near + "`?"
	}
	s.report("FN1211", s.placeOf(at), "fngen.powers has no Power \""+name+"\"", help)
}

// checkModule reports a name that the package fngen does not have.
func (s *scanner) checkModule(name string, at python.Token) {
	if slices.Contains(sdkModules, name) || strings.HasPrefix(name, "_") {
		return
	}
	help := "the modules are fngen.powers and fngen.platform"
	if slices.Contains(powers, name) {
		help = "Powers are in fngen.powers: write `from fngen.powers import " + name + "`"
	} else if near := diag.Nearest(name, sdkModules[:2]); near != "" {
		help = "did you mean `fngen." + near + "`?"
	}
	s.report("FN1231", s.placeOf(at), "fngen has nothing named \""+name+"\"", help)
}
