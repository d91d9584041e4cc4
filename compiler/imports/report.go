package imports

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/discover"
)

// lack is a module that was found nowhere.
type lack struct {
	module string
	// inTree says that a package of the tree should have it.
	inTree bool
	place  discover.Import
	more   []discover.Import
}

// asked is the whole path that is wanted, by which packages of Google's and Azure's
// are named.
func (l lack) asked() string {
	if len(l.place.Names) == 0 || l.inTree {
		return l.place.Module
	}
	return l.place.Module + "." + l.place.Names[0]
}

func (c *checker) lack(module string, inTree bool, i discover.Import) {
	at := slices.IndexFunc(c.lacks, func(l lack) bool { return l.module == module })
	switch {
	case at < 0:
		c.lacks = append(c.lacks, lack{module: module, inTree: inTree, place: i})
	case len(c.lacks[at].more) < maxNotes:
		c.lacks[at].more = append(c.lacks[at].more, i)
	}
}

// report makes diagnostics of what is missing for sure.
func (c *checker) report() diag.List {
	var list diag.List
	for _, l := range c.lacks {
		top, _, _ := strings.Cut(l.module, ".")
		if c.hooks || c.path && (c.layout.names[top] || c.layout.archives || l.inTree) {
			continue
		}
		d := diag.Diagnostic{
			Code: "FN2002", Message: "No module named '" + l.module + "'",
			File: l.place.Place.File, Line: l.place.Place.Line, Column: l.place.Place.Column, Width: l.place.Place.Width,
		}
		d.Notes, d.Help = advice(l.module, l.asked(), c.in)
		for _, m := range l.more {
			d.Notes = append(d.Notes, diag.Note{Message: "it is imported here too", File: m.Place.File, Line: m.Place.Line, Column: m.Place.Column})
		}
		list.Add(d)
	}
	list = list.Sorted()
	return list[:min(len(list), maxShown)]
}

func minor(version string) int {
	_, after, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(after)
	return n
}

func pythonOf(minor int) string { return fmt.Sprintf("3.%d", minor) }
