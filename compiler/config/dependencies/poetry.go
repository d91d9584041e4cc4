package dependencies

import (
	"fmt"
	"strings"

	"fngen.dev/fngen/compiler/config/document"
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
	entry *document.Value
	place literal.Place
}

// version is where it stands, or the entry as a whole.
func (d poetryDependency) source() string {
	for _, kind := range []string{"git", "url", "path", "file"} {
		if d.entry.Text(kind).Value != "" {
			return kind
		}
	}
	return ""
}

// poetryDependencies reads such a table. What cannot be understood is a fault when
// bad is called.
func poetryDependencies(table *document.Value, bad func(at literal.Place, name, what string)) []poetryDependency {
	var out []poetryDependency
	if table == nil {
		return nil
	}
	for _, k := range table.Keys {
		if strings.EqualFold(k.Name, "python") {
			continue
		}
		entries := []*document.Value{k.Value}
		if k.Value.Kind == document.Array {
			entries = k.Value.Items // one for each environment
		}
		for _, e := range entries {
			d := poetryDependency{name: pep.NormalName(k.Name), place: k.Place}
			if what, ok := d.read(e); !ok {
				bad(k.Place, k.Name, what)
				continue
			}
			out = append(out, d)
		}
	}
	return out
}

func (d *poetryDependency) read(e *document.Value) (string, bool) {
	version := e.Str
	if e.Kind == document.Table {
		d.entry, version = e, e.Text("version").Value
		d.extras = extrasOf(e)
		d.optional = e.Get("optional") != nil && e.Get("optional").Raw == "true"
		d.marker = e.Text("markers").Value
		python, ok := pep.PoetryConstraint(e.Text("python").Value)
		if !ok {
			return e.Text("python").Value, false
		}
		d.marker = both(d.marker, pep.PythonMarker(python))
		if d.marker = both(d.marker, platformMarker(e.Text("platform").Value)); d.marker != "" && !pep.ValidMarker(d.marker) {
			return d.marker, false
		}
	} else if e.Kind != document.String {
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
func (p *Pyproject) poetryTable() *document.Value {
	return p.table.Get("tool", "poetry", "dependencies")
}

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
	for _, s := range items(r.project.table.Get("tool", "poetry", "source")) {
		r.index(s.Text("url").Place, s.Text("url").Value)
	}
	r.settle("")
}

func (r *requirements) wantPoetry(d poetryDependency, w Wanted) {
	switch d.source() {
	case "git":
		_, ref, _ := strings.Cut(revision(d.entry), "@")
		r.wantGit(w, d.entry.Text("git").Value, ref, "", d.entry.Text("subdirectory").Value)
		return
	case "url":
		if w.URL, _ = r.archiveAt(d.entry.Text("url").Place, d.entry.Text("url").Value); w.URL == "" {
			return
		}
	case "path", "file":
		t := d.entry.Text("path")
		if t.Value == "" {
			t = d.entry.Text("file")
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

func items(v *document.Value) []*document.Value {
	if v == nil {
		return nil
	}
	return v.Items
}

// poetryGroups holds that a group includes only groups that there are.
func (r *requirements) poetryGroups() {
	known := map[string]bool{"main": true, "dev": r.project.table.Get("tool", "poetry", "dev-dependencies") != nil}
	for _, groups := range []*document.Value{r.project.table.Get("tool", "poetry", "group"), r.project.table.Get("dependency-groups")} {
		if groups != nil {
			for _, k := range groups.Keys {
				known[pep.NormalName(k.Name)] = true
			}
		}
	}
	missing := func(t *document.Value) {
		if t != nil && t.Kind == document.String && !known[pep.NormalName(t.Str)] {
			r.fault("FN1130", t.Place, fmt.Sprintf("there is no dependency group %q", t.Str), "correct the name, or define the group in pyproject.toml")
		}
	}
	if groups := r.project.table.Get("tool", "poetry", "group"); groups != nil {
		for _, k := range groups.Keys {
			for _, include := range items(k.Value.Get("include-groups")) {
				missing(include)
			}
		}
	}
	if groups := r.project.table.Get("dependency-groups"); groups != nil {
		for _, k := range groups.Keys {
			for _, entry := range items(k.Value) {
				missing(entry.Get("include-group"))
			}
		}
	}
}
