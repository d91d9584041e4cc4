package discover

import (
	"fmt"
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
	sdkModules = []string{"platform", "powers", "client", "runtime", "tasks", "testing"}
	// packageNames are what the package fngen itself has.
	packageNames = []string{"TaskContext", "TaskTimeout", "on_worker_start"}
	sdkNames     = []string{"Power"}
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
	if slices.Contains(sdkModules, name) || slices.Contains(packageNames, name) || strings.HasPrefix(name, "_") {
		return
	}
	help := "the modules are fngen.powers, fngen.platform, fngen.tasks and fngen.testing"
	if slices.Contains(powers, name) {
		help = "Powers are in fngen.powers: write `from fngen.powers import " + name + "`"
	} else if near := diag.Nearest(name, append(slices.Clone(sdkModules), packageNames...)); near != "" {
		help = "did you mean `fngen." + near + "`?"
	}
	s.report("FN1231", s.placeOf(at), "fngen has nothing named \""+name+"\"", help)
}

// calls reports a Power that is called, or handed to partial, outside a
// decorator: what comes of it is known only when the file runs.
func (s *scanner) calls(toks []python.Token) {
	if !s.ours && s.modules == nil || s.shallow {
		return
	}
	for i, t := range toks {
		if t.Kind != python.Name || t.Keyword != 0 || i > 0 && s.is(toks[i-1], ".") {
			continue
		}
		if _, known := s.lookup(s.name(t)); !known {
			continue
		}
		dotted, rest := s.dotted(toks[i:])
		if len(rest) == 0 || !s.is(rest[0], "(") && !s.isPartial(toks[:i]) {
			continue
		}
		if power, ok := strings.CutPrefix(s.fngenPath(dotted), powersModule+"."); ok && slices.Contains(powers, power) {
			s.called(t, toks[len(toks)-len(rest)-1], power)
			return
		}
	}
}

// isPartial reports whether toks end in the call of functools.partial.
func (s *scanner) isPartial(toks []python.Token) bool {
	n := len(toks)
	return n > 1 && s.is(toks[n-1], "(") && s.is(toks[n-2], "partial")
}

func (s *scanner) called(first, last python.Token, power string) {
	if isTest(s.out.File) {
		return
	}
	d := diag.Diagnostic{
		Code: "FN1230", Message: fmt.Sprintf("%q is called here, and a Power marks a function only as a decorator: the file is read, not run", power),
		Help: "write `@" + power + "(...)` above each function that it is for",
	}
	at := s.placeOf(first)
	d.File, d.Line, d.Column, d.Width = at.File, at.Line, at.Column, int(last.End-first.Start)
	if last.Line != first.Line {
		d.Width = at.Width
	}
	if !s.atModuleLevel() || s.inMain() {
		d.Severity = diag.Warning
	}
	s.out.Diagnostics.Add(d)
}
