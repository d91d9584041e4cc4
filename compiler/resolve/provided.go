package resolve

import (
	"slices"

	"fngen.dev/fngen/compiler/ir"
)

// What a tree without a requirement file gets, so that one file of Python is a
// whole project. Current versions of 2026-11, pinned: a push of an old tree must
// not change by itself.
var provided = map[string]string{
	"fastapi": "fastapi==0.165.0",
	"flask":   "flask==3.1.3",
	"django":  "django==5.2.19", // long-term support
}

// dependencies are the requirement files, or what the frameworks need.
func dependencies(files []string, functions []ir.Function) ir.Dependencies {
	d := ir.Dependencies{Files: []string{}, Provided: []string{}}
	if len(files) > 0 {
		d.Files = files
		return d
	}
	for _, f := range functions {
		if f.WebApp == nil {
			continue
		}
		if need := provided[f.WebApp.Framework]; need != "" && !slices.Contains(d.Provided, need) {
			d.Provided = append(d.Provided, need)
		}
	}
	slices.Sort(d.Provided)
	return d
}
