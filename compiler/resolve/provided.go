package resolve

import (
	"slices"
	"strconv"
	"strings"

	"fngen.dev/fngen/compiler/catalog"
	"fngen.dev/fngen/compiler/config/dependencies"
	"fngen.dev/fngen/compiler/ir"
)

// installed are the requirement files, or what the frameworks need.
func installed(r *dependencies.Requirements, python string, functions []ir.Function) ir.Dependencies {
	d := ir.Dependencies{Files: []string{}, Provided: []string{}}
	if len(r.Files) > 0 {
		d.Files, d.Local, d.Hashed = r.Files, r.LocalDigest, r.Hashed
		d.Unread, d.Digest = r.Unread, r.Digest
		for _, w := range r.Wanted {
			d.Packages = append(d.Packages, w.Short())
		}
		for _, g := range r.Git {
			d.Git = append(d.Git, ir.GitSource{Name: g.Name, URL: g.URL, Ref: g.Ref, Commit: g.Commit})
		}
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

// provides is what installs a framework for a Python. One that is older than all
// that there are versions for gets the name alone: the installer then finds what
// still fits.
func provides(framework, python string) string {
	_, after, _ := strings.Cut(python, ".")
	minor, _ := strconv.Atoi(after)
	f, _ := catalog.LookupFramework(framework)
	for _, p := range f.Provided {
		if minor >= p.From {
			return p.Requirement
		}
	}
	if len(f.Packages) > 0 {
		return f.Packages[0]
	}
	return ""
}
