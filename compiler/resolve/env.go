package resolve

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/ir"
)

// platformNames are set in every allocation, beside FNGEN_* and NOMAD_*.
var platformNames = []string{"HOME", "LANG", "LOGNAME", "PATH", "PYTHONUNBUFFERED", "TMPDIR", "USER", "VIRTUAL_ENV"}

// asideDirs hold code that people run by hand beside the project, so that what
// it needs is not what the project needs.
var asideDirs = []string{"alembic", "benchmarks", "docs", "examples", "migrations", "scripts", "tools"}

// maxPlaces of a name are kept.
const maxPlaces = 3

// environment is what the code reads, each name once. A name is required when
// some place fails without it and no other place of that file asks first, and
// when the code nowhere sets it.
func environment(reads []discover.EnvRead, uses []discover.Use) []ir.EnvName {
	marked := map[string]bool{}
	for _, u := range uses {
		marked[u.At.File] = true
	}
	preset, asked := map[string]bool{}, map[[2]string]bool{}
	for _, r := range reads {
		preset[r.Name] = preset[r.Name] || r.Kind == discover.Preset
		if r.Kind == discover.Optional {
			asked[[2]string{r.Name, r.Place.File}] = true
		}
	}
	byName := map[string][]ir.EnvPlace{}
	for _, r := range reads {
		if isPlatformName(r.Name) {
			continue
		}
		required := r.Kind == discover.Required && !preset[r.Name] && !asked[[2]string{r.Name, r.Place.File}] &&
			(marked[r.Place.File] || !isAside(r.Place.File))
		byName[r.Name] = append(byName[r.Name], ir.EnvPlace{File: r.Place.File, Line: r.Place.Line, Column: r.Place.Column, Required: required})
	}
	return merged(byName)
}

func merged(byName map[string][]ir.EnvPlace) []ir.EnvName {
	var out []ir.EnvName
	for name, places := range byName {
		slices.SortFunc(places, func(a, b ir.EnvPlace) int {
			return cmp.Or(order(b.Required)-order(a.Required), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		places = slices.Compact(places)
		out = append(out, ir.EnvName{Name: name, Required: places[0].Required, Places: places[:min(len(places), maxPlaces)]})
	}
	slices.SortFunc(out, func(a, b ir.EnvName) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func order(b bool) int {
	if b {
		return 1
	}
	return 0
}

func isPlatformName(name string) bool {
	return strings.HasPrefix(name, "FNGEN_") || strings.HasPrefix(name, "NOMAD_") || slices.Contains(platformNames, name)
}

func isAside(file string) bool {
	dir := path.Dir(file)
	for part := range strings.SplitSeq(dir, "/") {
		if slices.Contains(asideDirs, part) {
			return true
		}
	}
	return file == "manage.py"
}
