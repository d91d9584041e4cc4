package config

import (
	"fmt"
	"strings"

	"fngen.dev/fngen/compiler/config/pep"
	"fngen.dev/fngen/compiler/literal"
)

// poetryDependency is one entry of a table of dependencies as Poetry writes it, in
// pyproject.toml and in the packages of its lock.
type poetryDependency struct {
	name         string
	alternatives [][]string
	extras       []string
	// marker is all that says where it is wanted, that of Python included.
	marker   string
	optional bool
	// entry is the table that says more, nil for a version alone.
	entry *tomlValue
	place literal.Place
}

// version is where it stands, or the entry as a whole.
func (d poetryDependency) source() string {
	for _, kind := range []string{"git", "url", "path", "file"} {
		if d.entry.text(kind).Value != "" {
			return kind
		}
	}
	return ""
}

// poetryDependencies reads such a table. What cannot be understood is a fault when
// bad is called.
func poetryDependencies(table *tomlValue, bad func(at literal.Place, name, what string)) []poetryDependency {
	var out []poetryDependency
	if table == nil {
		return nil
	}
	for _, k := range table.keys {
		if strings.EqualFold(k.name, "python") {
			continue
		}
		entries := []*tomlValue{k.value}
		if k.value.kind == tomlArray {
			entries = k.value.items // one for each environment
		}
		for _, e := range entries {
			d := poetryDependency{name: pep.NormalName(k.name), place: k.place}
			if what, ok := d.read(e); !ok {
				bad(k.place, k.name, what)
				continue
			}
			out = append(out, d)
		}
	}
	return out
}

func (d *poetryDependency) read(e *tomlValue) (string, bool) {
	version := e.str
	if e.kind == tomlTable {
		d.entry, version = e, e.text("version").Value
		d.extras = extrasOf(e)
		d.optional = e.get("optional") != nil && e.get("optional").raw == "true"
		d.marker = e.text("markers").Value
		python, ok := pep.PoetryConstraint(e.text("python").Value)
		if !ok {
			return e.text("python").Value, false
		}
		d.marker = both(d.marker, pep.PythonMarker(python))
		if d.marker = both(d.marker, platformMarker(e.text("platform").Value)); d.marker != "" && !pep.ValidMarker(d.marker) {
			return d.marker, false
		}
	} else if e.kind != tomlString {
		return "neither text nor a table", false
	}
	var ok bool
	d.alternatives, ok = pep.PoetryConstraint(version)
	return version, ok
}

func platformMarker(platform string) string {
	if platform == "" || strings.ContainsAny(platform, `'"`) {
		return ""
	}
	return "sys_platform == '" + platform + "'"
}

// both joins two markers of which each may be empty.
func both(a, b string) string {
	switch {
	case a == "" || a == b:
		return b
	case b == "":
		return a
	}
	return "(" + a + ") and (" + b + ")"
}

// either joins two markers of which one must hold; an empty one always does.
func either(a, b string) string {
	if a == b || a == "" || b == "" {
		return map[bool]string{true: a}[a == b]
	}
	return "(" + a + ") or (" + b + ")"
}

// poetryTable is where Poetry keeps the dependencies of the project itself.
func (p *Pyproject) poetryTable() *tomlValue { return p.table.get("tool", "poetry", "dependencies") }

// poetry reads the dependencies of [tool.poetry] without a lock: the newest
// versions that they allow.
func (r *requirements) poetry() {
	r.out.Files = []string{"pyproject.toml"}
	r.poetryGroups()
	for _, d := range poetryDependencies(r.project.poetryTable(), r.poetryFault) {
		if d.optional || r.env.Holds(d.marker) == pep.Never {
			continue
		}
		w := Wanted{Name: d.name, Extras: d.extras, Place: d.place}
		if r.env.Holds(d.marker) == pep.Perhaps {
			w.Marker = d.marker
		}
		r.wantPoetry(d, w)
	}
	for _, s := range items(r.project.table.get("tool", "poetry", "source")) {
		r.index(s.text("url").Place, s.text("url").Value)
	}
	r.settle("")
}

func (r *requirements) wantPoetry(d poetryDependency, w Wanted) {
	switch d.source() {
	case "git":
		_, ref, _ := strings.Cut(revision(d.entry), "@")
		r.wantGit(w, d.entry.text("git").Value, ref, "", d.entry.text("subdirectory").Value)
		return
	case "url":
		if w.URL, _ = r.archiveAt(d.entry.text("url").Place, d.entry.text("url").Value); w.URL == "" {
			return
		}
	case "path", "file":
		t := d.entry.text("path")
		if t.Value == "" {
			t = d.entry.text("file")
		}
		var ok bool
		if w.Path, ok = r.localPath(t.Place, t.Value); !ok {
			return
		}
	default:
		if len(d.alternatives) > 1 {
			r.fault("FN1122", d.place, fmt.Sprintf("%q has alternatives of versions, which only a lock file can decide between", d.name), "run `poetry lock`, and push poetry.lock")
			return
		}
		w.Specifiers = d.alternatives[0]
	}
	r.want(w)
}

func (r *requirements) poetryFault(at literal.Place, name, what string) {
	r.fault("FN1121", at, fmt.Sprintf("the dependency %q cannot be read: %q is no version or marker of Poetry's", name, mask(what)), "write, for example, `"+name+" = \"^1.2\"`")
}

func items(v *tomlValue) []*tomlValue {
	if v == nil {
		return nil
	}
	return v.items
}

// poetryGroups holds that a group includes only groups that there are.
func (r *requirements) poetryGroups() {
	known := map[string]bool{"main": true, "dev": r.project.table.get("tool", "poetry", "dev-dependencies") != nil}
	for _, groups := range []*tomlValue{r.project.table.get("tool", "poetry", "group"), r.project.table.get("dependency-groups")} {
		if groups != nil {
			for _, k := range groups.keys {
				known[pep.NormalName(k.name)] = true
			}
		}
	}
	missing := func(t *tomlValue) {
		if t != nil && t.kind == tomlString && !known[pep.NormalName(t.str)] {
			r.fault("FN1130", t.place, fmt.Sprintf("there is no dependency group %q", t.str), "correct the name, or define the group in pyproject.toml")
		}
	}
	if groups := r.project.table.get("tool", "poetry", "group"); groups != nil {
		for _, k := range groups.keys {
			for _, include := range items(k.value.get("include-groups")) {
				missing(include)
			}
		}
	}
	if groups := r.project.table.get("dependency-groups"); groups != nil {
		for _, k := range groups.keys {
			for _, entry := range items(k.value) {
				missing(entry.get("include-group"))
			}
		}
	}
}
