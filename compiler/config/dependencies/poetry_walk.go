package dependencies

import (
	"fmt"
	"slices"

	"fngen.dev/fngen/compiler/config/document"
	"fngen.dev/fngen/compiler/config/pep"
	"fngen.dev/fngen/compiler/literal"
)

// Bounds of what is kept apart: how many ways lead to a package, how long their
// markers are together, and how many versions a lock has of it. Beyond the first two
// it is installed in any case.
const (
	maxReasons  = 8
	maxMarker   = 512
	maxVersions = 64
)

// poetryStep is one dependency that is followed.
type poetryStep struct {
	poetryDependency
	// when is the marker of the way to it, as far as only the node can judge it.
	when string
}

// followed goes from the dependencies of pyproject.toml to those of their packages,
// as `poetry export` does for a lock that says nothing of groups.
func (r *requirements) followed(l *poetryLock) {
	w := poetryWalk{r: r, l: l, met: map[string]bool{}, chosen: map[string]*poetryPackage{}, when: map[*poetryPackage]string{}, reasons: map[*poetryPackage]int{}}
	for _, d := range r.rootDependencies() {
		if p := w.choose(d, false); p != nil && p.Get("optional") != nil && p.Get("optional").Raw == "true" {
			continue // an extra brings it
		}
		w.add(d, "", nil)
	}
	for len(w.next) > 0 {
		step := w.next[0]
		w.next = w.next[1:]
		w.follow(step)
	}
	for i := range l.packages {
		if p := &l.packages[i]; w.reasons[p] > 0 {
			r.wantLocked(l, *p, w.when[p])
		}
	}
}

// rootDependencies are those of the project, in [project] or in Poetry's table.
func (r *requirements) rootDependencies() []poetryDependency {
	out := poetryDependencies(r.project.poetryTable(), r.poetryFault)
	if r.project.table.Get("project", "dependencies") == nil {
		return out
	}
	if r.project.table.Get("tool", "poetry", "dependencies") != nil {
		out = nil // it only says more about those of [project]
	}
	for _, t := range r.project.dependencies(&r.diags) {
		if d, ok := fromPEP508(t.Value, t.Place); ok {
			out = append(out, d)
		}
	}
	return out
}

func fromPEP508(text string, at literal.Place) (poetryDependency, bool) {
	req, ok := pep.ParseRequirement(text)
	return poetryDependency{name: pep.NormalName(req.Name), alternatives: [][]string{req.Specifiers}, extras: req.Extras, marker: req.Marker, place: at}, ok
}

type poetryWalk struct {
	r       *requirements
	l       *poetryLock
	next    []poetryStep
	met     map[string]bool
	chosen  map[string]*poetryPackage
	when    map[*poetryPackage]string
	reasons map[*poetryPackage]int
}

// add takes a dependency for the way, unless it is not wanted here. extras are
// those of the package that has it: what was asked for by name is wanted.
func (w *poetryWalk) add(d poetryDependency, when string, extras []string) {
	env := w.r.env
	env.AnyExtra = len(extras) > 0
	switch env.Holds(d.marker) {
	case pep.Never:
		return
	case pep.Perhaps:
		if when = both(when, d.marker); len(when) > maxMarker {
			when = ""
		}
	}
	key := d.name + " " + fmt.Sprint(d.extras, d.alternatives) + " " + when
	if !w.met[key] {
		w.met[key] = true
		w.next = append(w.next, poetryStep{d, when})
	}
}

func (w *poetryWalk) follow(step poetryStep) {
	p := w.choose(step.poetryDependency, true)
	if p == nil {
		return
	}
	w.chosen[p.name] = p
	switch w.reasons[p]++; {
	case w.reasons[p] == 1:
		w.when[p] = step.when
	case w.reasons[p] > maxReasons:
		w.when[p], step.when = "", ""
	default:
		w.when[p] = either(w.when[p], step.when)
	}
	active := map[string]bool{}
	for _, e := range step.extras {
		for _, text := range items(extra(p.Get("extras"), e)) {
			active[pep.NormalName(pep.NameForm.FindString(text.Str))] = true
		}
	}
	for _, d := range poetryDependencies(p.Get("dependencies"), func(literal.Place, string, string) {}) {
		if d.optional && !active[d.name] {
			continue
		}
		w.add(d, step.when, step.extras)
	}
}

// extra finds one by its normalised name.
func extra(table *document.Value, name string) *document.Value {
	if table == nil {
		return nil
	}
	for _, k := range table.Keys {
		if pep.NormalName(k.Name) == pep.NormalName(name) {
			return k.Value
		}
	}
	return nil
}

// choose finds the package of the lock that a dependency means. The one that was
// chosen before is, as nothing is installed twice.
func (w *poetryWalk) choose(d poetryDependency, report bool) *poetryPackage {
	candidates := w.l.byName[d.name]
	candidates = candidates[:min(len(candidates), maxVersions)]
	fit := func(p *poetryPackage) bool {
		if d.source() != "" {
			return p.Get("source") != nil
		}
		ok := p.version.AllowedBy(d.alternatives) || !p.valid
		for _, python := range pythonAlternatives(p.Text("python-versions").Value) {
			if yes, valid := pep.AllowsMinor(python, w.r.env.Minor); yes || !valid {
				return ok
			}
		}
		return false
	}
	if before := w.chosen[d.name]; before != nil {
		if !fit(before) && report {
			w.r.fault("FN1124", before.Get("name").Place, fmt.Sprintf("poetry.lock has several versions of %q, and two are needed at once on Python %s", d.name, w.r.env.Minor),
				"run `"+poetryRelock+"` with Poetry 2, whose lock says which is for which Python")
		}
		return before
	}
	if i := slices.IndexFunc(candidates, fit); i >= 0 {
		return candidates[i]
	}
	return nil
}
