package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"fngen.dev/fngen/compiler/config/dependencies"
	"fngen.dev/fngen/compiler/config/document"
	"fngen.dev/fngen/compiler/config/pep"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/source"
)

// PythonPattern is what `python:` of fngen.yml may say; the editor's schema has it
// too.
const PythonPattern = `^(cpython-|python-)?3(\.[0-9]{1,3})?(\.[0-9]+)?$`

var (
	version = regexp.MustCompile(PythonPattern)
	// What pyenv and uv write into .python-version: "3.12", "3.12.4", "3.14.0rc1",
	// "3.13-dev", "cpython@3.12", "cpython-3.12.4-linux-x86_64-gnu", "python3.12".
	pin = regexp.MustCompile(`(?i)^(?:c?python)?[-@]?3(\.[0-9]{1,3})?(?:\.[0-9]+)?(?:-dev|(?:a|b|rc)[0-9]+)?(t|\+[a-z]+)?(?:-(?:linux|macos|darwin|windows|any|none)[a-z0-9_.-]*)?$`)
)

// oldest is the first minor version of Python 3 that any platform can have.
const oldest = 9

// askOperator is the way to a version that a platform lacks.
const askOperator = "ask the operator of the platform, who adds versions by FNGEN_PYTHONS (docs/operating.md, Pythons)"

// Python chooses the language version: fngen.yml, else .python-version, else
// the newest of the platform that requires-python in pyproject.toml (or in uv.lock)
// allows, else the platform's newest. available is sorted, oldest first.
func Python(tree source.Tree, file *File, project *dependencies.Pyproject, available []string) (string, diag.List) {
	p := &pythons{available: available, newest: available[len(available)-1]}
	requires := project.RequiresPython()
	chosen, found := p.stated(tree, file)
	if !found {
		return p.satisfying(requires), p.diags
	}
	if chosen.Value == "" {
		return p.newest, p.diags // the fault is reported
	}
	p.contradiction(chosen, requires, project.Locked())
	return chosen.Value, p.diags
}

// pythons chooses among the versions of the platform.
type pythons struct {
	available []string
	newest    string
	diags     diag.List
}

// stated is the version that fngen.yml or .python-version names, made one of the
// platform's; its value is empty after a fault.
func (p *pythons) stated(tree source.Tree, file *File) (document.Text, bool) {
	if file.Python.Place.Line > 0 {
		return p.pick(file.Python, version, "write `python: \""+p.newest+"\"`"), true
	}
	if !document.In(tree, ".python-version") {
		return document.Text{}, false
	}
	data, _ := document.Read(tree, ".python-version", &p.diags)
	want, found := pinned(data)
	if !found {
		return document.Text{}, false
	}
	if strings.ContainsAny(want.Value[:1], "<>=!~") {
		return document.Text{Value: p.satisfying(want), Place: want.Place}, true
	}
	return p.pick(want, pin, "set another version there, or `python:` in fngen.yml"), true
}

// pinned is the first version in a .python-version file. pyenv's "system" is
// whatever a machine has, and so says nothing here.
func pinned(data []byte) (document.Text, bool) {
	for i, line := range strings.Split(strings.TrimPrefix(string(data), "\ufeff"), "\n") {
		line, _, _ = strings.Cut(line, "#")
		for _, word := range strings.Fields(line) {
			if word != "system" {
				at := literal.Place{File: ".python-version", Line: i + 1, Column: strings.Index(line, word) + 1, Width: len(word)}
				return document.Text{Value: word, Place: at}, true
			}
		}
	}
	return document.Text{}, false
}

func (p *pythons) fault(code string, at literal.Place, msg, help string) {
	p.diags.Add(diag.Diagnostic{Code: code, File: at.File, Line: at.Line, Column: at.Column, Width: at.Width, Message: msg, Help: help})
}

// pick finds the version that was asked for; the platform chooses the patch.
func (p *pythons) pick(want document.Text, form *regexp.Regexp, help string) document.Text {
	m := form.FindStringSubmatch(want.Value)
	if m == nil {
		p.fault("FN1113", want.Place, fmt.Sprintf("%q is not a version of CPython 3", want.Value), help)
		return document.Text{}
	}
	minor, build := m[1], m[2]
	if form == version {
		minor, build = m[2], ""
	}
	for i := len(p.available) - 1; i >= 0 && build == ""; i-- {
		if minor == "" || p.available[i] == "3"+minor {
			return document.Text{Value: p.available[i], Place: want.Place}
		}
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(minor, ".")); err == nil && n >= oldest && build == "" {
		help += ", or " + askOperator
	}
	p.fault("FN1114", want.Place, fmt.Sprintf("Python %s is not available on this platform, which has %s", want.Value, strings.Join(p.available, ", ")), help)
	return document.Text{}
}

// contradiction reports a version that requires-python does not allow. A person
// may know better, unless there is a lock: uv installs none of it then.
func (p *pythons) contradiction(chosen, requires document.Text, locked bool) {
	if ok, valid := pep.AllowsMinor(requires.Value, chosen.Value); ok || !valid {
		return
	}
	severity := diag.Warning
	if locked {
		severity = diag.Error
	}
	at := chosen.Place
	p.diags.Add(diag.Diagnostic{Code: "FN1128", Severity: severity, File: at.File, Line: at.Line, Column: at.Column, Width: at.Width,
		Message: fmt.Sprintf("Python %s is chosen here, and requires-python is %q", chosen.Value, requires.Value), Help: "choose a version that both allow",
		Notes: []diag.Note{{Message: "requires-python is here", File: requires.Place.File, Line: requires.Place.Line, Column: requires.Place.Column}}})
}

// satisfying picks the newest available version that a specifier, such as
// requires-python, allows.
func (p *pythons) satisfying(want document.Text) string {
	what, help := "requires-python ", "write, for example, `requires-python = \">=3.11\"`"
	if want.Place.File == ".python-version" {
		what, help = "", "write, for example, `>=3.11`"
	}
	for i := len(p.available) - 1; i >= 0; i-- {
		ok, valid := pep.AllowsMinor(want.Value, p.available[i])
		if !valid {
			p.fault("FN1113", want.Place, fmt.Sprintf("%s%q is not a version specifier", what, want.Value), help)
			return p.newest
		}
		if ok {
			return p.available[i]
		}
	}
	p.fault("FN1114", want.Place, fmt.Sprintf("%s%q allows none of the versions on this platform, which has %s", what, want.Value, strings.Join(p.available, ", ")),
		"allow one of them, set `python:` in fngen.yml, or "+askOperator)
	return p.newest
}
