package dependencies

import (
	"fmt"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/config/document"
	"fngen.dev/fngen/compiler/config/pep"
	"fngen.dev/fngen/compiler/literal"
)

const pdmRelock = "pdm lock --update-reuse"

// pdmLock reads pdm.lock: of the group default, what the platform's environment
// needs.
func (r *requirements) pdmLock() {
	r.out.Files = []string{"pdm.lock", "pyproject.toml"}
	r.poetryGroups()
	lock := r.project.lock
	version := lock.Text("metadata", "lock_version")
	if major, _, _ := strings.Cut(version.Value, "."); major != "4" && major != "3" {
		at := version.Place
		if at.Line == 0 {
			at = literal.Place{File: "pdm.lock"}
		}
		r.fault("FN1124", at, fmt.Sprintf("pdm.lock has the unknown form %q", version.Value), "write it by PDM 2: `"+pdmRelock+"`")
		return
	}
	// Members of a workspace are hashed too, and files of theirs need not ship.
	if hash := lock.Text("metadata", "content_hash"); hash.Value != "" && r.project.table.Get("tool", "pdm", "workspace") == nil {
		hash.Value = strings.TrimPrefix(hash.Value, "sha256:")
		r.fits("pdm.lock", "pyproject.toml", hash, pdmRelock, r.project.pdmHashes()...)
	}
	l := &pdmLock{byKey: map[string][]*document.Value{}, files: lock.Get("metadata", "files")}
	for _, p := range items(lock.Get("package")) {
		l.byKey[pdmKey(p)] = append(l.byKey[pdmKey(p)], p)
	}
	if inherits(lock) {
		for _, p := range items(lock.Get("package")) {
			if slices.ContainsFunc(items(p.Get("groups")), func(g *document.Value) bool { return g.Str == "default" }) {
				r.wantPDM(l, p, p.Text("marker").Value)
			}
		}
	} else {
		r.followPDM(l)
	}
	r.settle(pdmRelock)
}

// inherits reports whether each package says who needs it, and where.
func inherits(lock *document.Value) bool {
	return slices.ContainsFunc(items(lock.Get("metadata", "strategy")), func(s *document.Value) bool { return s.Str == "inherit_metadata" })
}

type pdmLock struct {
	byKey map[string][]*document.Value
	// files are those of locks that have them at the end.
	files *document.Value
	met   map[string]bool
}

// pdmKey is a package with its extras, which has an entry of its own.
func pdmKey(p *document.Value) string {
	return pep.NormalName(p.Text("name").Value) + formOfExtras(normalNames(extrasOf(p)))
}

func normalNames(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = pep.NormalName(n)
	}
	return out
}

// pdmHashes are the forms of the content that versions of PDM hash.
func (p *Pyproject) pdmHashes() []string {
	or := func(v, none *document.Value) *document.Value {
		if v == nil {
			return none
		}
		return v
	}
	array, table, text := &document.Value{Kind: document.Array}, &document.Value{Kind: document.Table}, &document.Value{Kind: document.String}
	pdm := p.table.Get("tool", "pdm")
	form := func(dev *document.Value, resolution string, how *document.Value) string {
		v := &document.Value{Kind: document.Table}
		for key, value := range map[string]*document.Value{
			"sources": or(pdm.Get("source"), array), "dependencies": or(p.table.Get("project", "dependencies"), array), "dev-dependencies": dev,
			"optional-dependencies": or(p.table.Get("project", "optional-dependencies"), table),
			"requires-python":       or(p.table.Get("project", "requires-python"), text), resolution: how,
		} {
			v.Add(key, literal.Place{}, value)
		}
		return contentHash(v, ", ", ": ")
	}
	own := or(pdm.Get("dev-dependencies"), table)
	resolution, overrides := or(pdm.Get("resolution"), table), or(pdm.Get("resolution", "overrides"), table)
	both := mergeGroups(p.table.Get("dependency-groups"), pdm.Get("dev-dependencies"))
	return []string{form(both, "resolution", resolution), form(own, "resolution", resolution), form(own, "overrides", overrides), form(both, "overrides", overrides)}
}

// mergeGroups is what PDM makes of the two tables of groups that it knows.
func mergeGroups(tables ...*document.Value) *document.Value {
	out := &document.Value{Kind: document.Table}
	for _, t := range tables {
		if t == nil {
			continue
		}
		for _, k := range t.Keys {
			name := pep.NormalName(k.Name)
			if out.Get(name) == nil {
				out.Add(name, k.Place, &document.Value{Kind: document.Array})
			}
			out.Get(name).Items = append(out.Get(name).Items, k.Value.Items...)
		}
	}
	return out
}

// followPDM goes from the dependencies of the project to those of their packages.
func (r *requirements) followPDM(l *pdmLock) {
	l.met = map[string]bool{}
	next := []string{}
	for _, t := range r.project.dependencies(&r.diags) {
		next = append(next, t.Value)
	}
	for len(next) > 0 {
		text := next[0]
		next = next[1:]
		req, ok := pep.ParseRequirement(text)
		marker := r.env.Holds(req.Marker)
		if !ok && req.Name == "" || marker == pep.Never {
			continue
		}
		keep := ""
		if marker == pep.Perhaps {
			keep = req.Marker
		}
		next = append(next, r.takePDM(l, req, keep)...)
	}
}

// takePDM takes what a requirement means, and returns what that needs. A package
// with extras and the one without have entries of their own.
func (r *requirements) takePDM(l *pdmLock, req pep.Requirement, marker string) []string {
	var next []string
	name := pep.NormalName(req.Name)
	for _, key := range []string{name + formOfExtras(nil), name + formOfExtras(normalNames(req.Extras))} {
		if l.met[key+marker] {
			continue
		}
		l.met[key+marker] = true
		p := l.fitting(key, req, r.env)
		if p == nil {
			continue
		}
		r.wantPDM(l, p, marker)
		for _, d := range items(p.Get("dependencies")) {
			next = append(next, d.Str)
		}
	}
	return next
}

// fitting is the package of the key that this requirement and Python allow.
func (l *pdmLock) fitting(key string, req pep.Requirement, env pep.Environment) *document.Value {
	candidates := l.byKey[key]
	for _, p := range candidates[:min(len(candidates), maxVersions)] {
		v, _ := pep.ParseVersion(p.Text("version").Value)
		ok, valid := v.Meets(req.Specifiers)
		python, known := pep.AllowsMinor(p.Text("requires_python").Value, env.Minor)
		if (ok || !valid) && (python || !known) {
			return p
		}
	}
	return nil
}

// wantPDM takes an entry of the lock, unless its marker says that it is not wanted.
func (r *requirements) wantPDM(l *pdmLock, p *document.Value, marker string) {
	name, version := p.Text("name"), p.Text("version").Value
	w := Wanted{Name: name.Value, Specifiers: []string{"==" + version}, Place: name.Place}
	switch r.env.Holds(marker) {
	case pep.Never:
		return
	case pep.Perhaps:
		w.Marker = marker
	}
	files := p.Get("files")
	if files == nil {
		files = l.files.Get(name.Value + " " + version)
	}
	for _, f := range items(files) {
		if h := f.Text("hash").Value; validHash(h) {
			w.Hashes = append(w.Hashes, h)
		}
	}
	switch git, url, path := p.Text("git"), p.Text("url"), p.Text("path"); {
	case git.Value != "":
		r.wantOnce(w, func(w Wanted) {
			r.wantGit(w, git.Value, p.Text("ref").Value, p.Text("revision").Value, p.Text("subdirectory").Value)
		})
	case path.Value != "":
		r.wantOnce(w, func(w Wanted) {
			var ok bool
			if w.Path, ok = r.localPath(path.Place, path.Value); ok {
				w.Specifiers, w.Hashes = nil, nil
				r.want(w)
			}
		})
	case url.Value != "":
		r.wantOnce(w, func(w Wanted) {
			var ok bool
			if w.URL, ok = r.archiveAt(url.Place, url.Value); ok {
				w.Specifiers = nil
				r.want(w)
			}
		})
	default:
		r.wantOnce(w, r.want)
	}
}

// wantOnce takes a package that has more than one entry once: those with extras
// bring nothing of their own. When there are two reasons, the wider one stays.
func (r *requirements) wantOnce(w Wanted, take func(Wanted)) {
	key := pep.NormalName(w.Name) + strings.Join(w.Specifiers, ",")
	if i, ok := r.taken[key]; ok {
		wider := r.out.Wanted[i]
		wider.Marker = either(wider.Marker, w.Marker)
		if _, bad := wider.unfit(); bad {
			wider.Marker = "" // installed in any case
		}
		r.out.Wanted[i] = wider
		return
	}
	before := len(r.out.Wanted)
	take(w)
	if len(r.out.Wanted) > before {
		r.taken[key] = before
	}
}
