package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/source"
)

var version = regexp.MustCompile(`^(?:cpython-|python-)?3(?:\.([0-9]{1,3}))?(?:\.[0-9]+)?$`)

// Python chooses the language version: fngen.yml, else .python-version, else
// the newest of the platform that requires-python in pyproject.toml allows, else
// the platform's newest. available is sorted, oldest first.
func Python(tree source.Tree, file *File, available []string) (string, diag.List) {
	var diags diag.List
	newest := available[len(available)-1]
	switch {
	case file.Python.Place.Line > 0:
		return pick(file.Python, available, "write `python: \""+newest+"\"`", &diags), diags
	case has(tree, ".python-version"):
		data, ok := read(tree, ".python-version", &diags)
		want, found := pinned(string(data))
		if !ok || !found {
			return newest, diags
		}
		return pick(want, available, "set another version there, or `python:` in fngen.yml", &diags), diags
	case has(tree, "pyproject.toml"):
		data, _ := read(tree, "pyproject.toml", &diags)
		want, found := tomlString(string(data), "project", "requires-python")
		if !found {
			return newest, diags
		}
		want.Place.File = "pyproject.toml"
		return satisfying(want, available, &diags), diags
	}
	return newest, diags
}

// pinned is the first version in a .python-version file.
func pinned(data string) (Text, bool) {
	for i, line := range strings.Split(data, "\n") {
		line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
		if line == "" || line[0] == '#' {
			continue
		}
		word := strings.Fields(line)[0]
		return Text{word, literal.Place{File: ".python-version", Line: i + 1, Column: 1, Width: len(word)}}, true
	}
	return Text{}, false
}

// pick finds the version that was asked for; the platform chooses the patch.
func pick(want Text, available []string, help string, diags *diag.List) string {
	fault := func(code, msg string) string {
		diags.Add(diag.Diagnostic{Code: code, File: want.Place.File, Line: want.Place.Line, Column: want.Place.Column, Width: want.Place.Width,
			Message: msg, Help: help})
		return available[len(available)-1]
	}
	m := version.FindStringSubmatch(want.Value)
	if m == nil {
		return fault("FN1113", fmt.Sprintf("%q is not a version of CPython 3", want.Value))
	}
	for i := len(available) - 1; i >= 0; i-- {
		if m[1] == "" || available[i] == "3."+m[1] {
			return available[i]
		}
	}
	return fault("FN1114", fmt.Sprintf("Python %s is not available on this platform, which has %s", want.Value, strings.Join(available, ", ")))
}

// satisfying picks the newest available version that a requires-python allows.
func satisfying(want Text, available []string, diags *diag.List) string {
	fault := func(code, msg, help string) string {
		diags.Add(diag.Diagnostic{Code: code, File: want.Place.File, Line: want.Place.Line, Column: want.Place.Column, Width: want.Place.Width, Message: msg, Help: help})
		return available[len(available)-1]
	}
	for i := len(available) - 1; i >= 0; i-- {
		ok, valid := allows(want.Value, available[i])
		if !valid {
			return fault("FN1113", fmt.Sprintf("requires-python %q is not a version specifier", want.Value), "write, for example, `requires-python = \">=3.11\"`")
		}
		if ok {
			return available[i]
		}
	}
	return fault("FN1114", fmt.Sprintf("requires-python %q allows none of the versions on this platform, which has %s", want.Value, strings.Join(available, ", ")),
		"allow one of them, or set `python:` in fngen.yml")
}

var specifier = regexp.MustCompile(`^(~=|===?|!=|<=?|>=?)\s*v?(\d+)(?:\.(\d+))?(\.\d+)?((?:\.\*)?)[a-zA-Z0-9.+]*$`)

// allows judges one minor version, whatever its patch will be: a bound on the
// patch counts as met when some patch of the version can meet it.
func allows(spec, minor string) (ok, valid bool) {
	_, after, _ := strings.Cut(minor, ".")
	have, _ := strconv.Atoi(after)
	ok = true
	for part := range strings.SplitSeq(spec, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		m := specifier.FindStringSubmatch(part)
		if m == nil {
			return false, false
		}
		major, _ := strconv.Atoi(m[2])
		n, _ := strconv.Atoi(m[3])
		ok = meets(m[1], have, major, n, m[3] != "", m[4] != "") && ok
	}
	return ok, true
}

// meets compares 3.have with an operator and a version major.minor.
func meets(op string, have, major, minor int, hasMinor, hasPatch bool) bool {
	if major != 3 {
		switch op {
		case "<", "<=", "!=":
			return major > 3 || op == "!="
		case ">", ">=":
			return major < 3
		}
		return false
	}
	switch op {
	case ">=", ">":
		return have >= minor
	case "<=":
		return have <= minor || !hasMinor && minor == 0 && have == 0
	case "<":
		return have < minor || have == minor && hasPatch
	case "!=":
		return hasPatch || !hasMinor || have != minor
	case "~=":
		return have == minor || have > minor && !hasPatch
	}
	return !hasMinor || have == minor
}
