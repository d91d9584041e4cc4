package provision

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"fngen.dev/fngen/nomad/dev/layout"
)

// Python is an interpreter that tasks can use: it lies below /usr or in the kit.
type Python struct {
	Minor int // of Python 3
	// Home holds bin/python3.<minor> and lib/python3.<minor>.
	Home string
}

// Version is the version of the language, such as "3.11".
func (p Python) Version() string { return language(p.Minor) }

// Path is the interpreter.
func (p Python) Path() string { return filepath.Join(p.Home, "bin", "python"+p.Version()) }

var pythonName = regexp.MustCompile(`^python3\.(\d+)$`)

// System finds the interpreters below /usr, which is all of the machine that
// tasks see, the oldest first.
func System(ctx context.Context) ([]Python, error) {
	found := map[int]Python{}
	for _, home := range []string{"/usr/local", "/usr"} { // the later wins: the distribution's
		entries, err := os.ReadDir(filepath.Join(home, "bin"))
		if err != nil {
			continue
		}
		for _, e := range entries {
			m := pythonName.FindStringSubmatch(e.Name())
			if m == nil {
				continue
			}
			minor, err := strconv.Atoi(m[1])
			p := Python{Minor: minor, Home: home}
			if err == nil && minor >= oldestPython && usable(ctx, p.Path()) {
				found[minor] = p
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no Python 3.%d or newer below /usr, where tasks look for it: apt-get install python3", oldestPython)
	}
	return sorted(found), nil
}

func sorted(found map[int]Python) []Python {
	var pythons []Python
	for _, p := range found {
		pythons = append(pythons, p)
	}
	slices.SortFunc(pythons, func(a, b Python) int { return cmp.Compare(a.Minor, b.Minor) })
	return pythons
}

// usable reports whether the interpreter and its library lie below /usr, as a
// link to another place would not work in a task.
func usable(ctx context.Context, path string) bool {
	out, err := exec.CommandContext(ctx, path, "-I", "-c",
		"import os, sys, ssl; print(os.path.realpath(sys.executable)); print(os.path.realpath(os.__file__))").Output()
	if err != nil {
		return false
	}
	for _, line := range strings.Fields(string(out)) {
		if !strings.HasPrefix(line, "/usr/") {
			return false
		}
	}
	return true
}

// Lacking are the versions that are wanted, that neither the system nor the kit
// has, and of which it is not known that they cannot be had.
func Lacking(l layout.Layout, w Wanted, system []Python) []string {
	known := recall(l, w)
	var versions []string
	for _, minor := range w.lacking(system) {
		if _, there := managed(l, minor); !there && known.Reasons[language(minor)] == "" {
			versions = append(versions, language(minor))
		}
	}
	return versions
}

// pythons brings python/ of the kit up to date, and returns what the platform
// offers, the oldest first: what is wanted of the system's, the rest by uv, and
// when none of it can be had, what is there. What is no longer offered stays on
// disk for those that run with it.
func pythons(ctx context.Context, l layout.Layout, uv string, w Wanted, system []Python, report Report) ([]Python, error) {
	found := map[int]Python{}
	for _, p := range system {
		if w.offered(p.Minor) {
			found[p.Minor] = p
		}
	}
	f := &fetcher{Layout: l, uv: uv, report: report}
	fetched, reasons, err := f.fetch(ctx, w, w.lacking(system))
	if err != nil {
		return nil, err
	}
	for _, p := range fetched {
		found[p.Minor] = p
	}
	offered := sorted(found)
	if len(offered) == 0 {
		offered = system
	}
	for _, p := range offered {
		if err := link(l, p); err != nil {
			return nil, err
		}
	}
	if missing := w.lacking(offered); len(missing) > 0 {
		report("%-24s %s; not to be had: %s (%s); docs/operating.md, Pythons", "pythons", list(offered), languages(missing),
			reasons[language(missing[0])])
	}
	return offered, nil
}

func list(pythons []Python) string {
	var words []string
	for _, p := range pythons {
		words = append(words, p.Version())
	}
	return strings.Join(words, ", ")
}

// link gives a Python the one name that it has on every node, whoever installed it
// there: a layer that was built with it on another node finds it by that name, and
// so does one that was built before a newer patch.
func link(l layout.Layout, p Python) error {
	target := p.Home
	if filepath.Dir(target) == pythonDir(l) {
		target = filepath.Base(target) // a task sees the kit elsewhere
	}
	return replaceLink(filepath.Join(pythonDir(l), p.Version()), target)
}

// pythonDir is what tasks see as /opt/fngen/python.
func pythonDir(l layout.Layout) string { return filepath.Join(l.Kit(), "python") }
