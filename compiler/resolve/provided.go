package resolve

import (
	"slices"
	"strconv"
	"strings"

	"fngen.dev/fngen/compiler/config"
	"fngen.dev/fngen/compiler/ir"
)

// What a tree without a requirement file gets, so that one file of Python is a
// whole project: by framework, the newest version for each Python, the newest
// Python first. Current ones of 2026-11, pinned: a push of an old tree must not
// change by itself.
var provided = map[string][]struct {
	from        int // Python 3.from and newer
	requirement string
}{
	"fastapi": {{11, "fastapi==0.165.0"}, {10, "fastapi==0.162.5"}},
	"flask":   {{9, "flask==3.1.3"}},
	"django":  {{10, "django==5.2.19"}}, // long-term support
}

// dependencies are the requirement files, or what the frameworks need.
func dependencies(r *config.Requirements, python string, functions []ir.Function) ir.Dependencies {
	d := ir.Dependencies{Files: []string{}, Provided: []string{}}
	if len(r.Files) > 0 {
		d.Files, d.Local, d.Hashed = r.Files, r.Local, r.Hashed
		return d
	}
	for _, f := range functions {
		if f.WebApp == nil {
			continue
		}
		if need := provides(f.WebApp.Framework, python); need != "" && !slices.Contains(d.Provided, need) {
			d.Provided = append(d.Provided, need)
		}
	}
	slices.Sort(d.Provided)
	return d
}

// provides is the framework for a Python. One that is older than all of them gets
// the name alone: the installer then finds what still fits.
func provides(framework, python string) string {
	_, after, _ := strings.Cut(python, ".")
	minor, _ := strconv.Atoi(after)
	for _, p := range provided[framework] {
		if minor >= p.from {
			return p.requirement
		}
	}
	if _, ok := provided[framework]; ok {
		return framework
	}
	return ""
}
