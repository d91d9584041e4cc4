package dependencies

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/config/document"
	"fngen.dev/fngen/compiler/config/pep"
	"fngen.dev/fngen/compiler/literal"
)

const pipenvRelock = "pipenv lock"

// pipfileLock reads Pipfile.lock: its default packages.
func (r *requirements) pipfileLock() {
	r.out.Files = []string{"Pipfile.lock"}
	lock := r.project.lock
	if r.project.pipfile != nil {
		r.out.Files = append(r.out.Files, "Pipfile")
		r.fits("Pipfile.lock", "Pipfile", lock.Text("_meta", "hash", "sha256"), pipenvRelock, pipfileHashes(r.project.pipfile)...)
	}
	if spec := lock.Get("_meta", "pipfile-spec"); spec == nil || spec.Raw != "6" {
		at := literal.Place{File: "Pipfile.lock"}
		if spec != nil {
			at = spec.Place
		}
		r.fault("FN1124", at, "Pipfile.lock is not of the one form that is known, 6", "write it anew: `"+pipenvRelock+"`")
		return
	}
	r.pipfileSources(lock.Get("_meta", "sources"))
	if table := lock.Get("default"); table != nil {
		for _, k := range table.Keys {
			r.pipfileEntry(k, true)
		}
	}
	r.settle(pipenvRelock)
}

// pipfile reads the packages of a Pipfile without a lock.
func (r *requirements) pipfile() {
	r.out.Files = []string{"Pipfile"}
	r.pipfileSources(r.project.pipfile.Get("source"))
	if table := r.project.pipfile.Get("packages"); table != nil {
		for _, k := range table.Keys {
			r.pipfileEntry(k, false)
		}
	}
	r.settle("")
}

func (r *requirements) pipfileSources(list *document.Value) {
	for _, s := range items(list) {
		r.index(s.Text("url").Place, s.Text("url").Value)
	}
}

// pipfileHashes is what Pipenv hashes of a Pipfile; index and categories count.
func pipfileHashes(p *document.Value) []string {
	or := func(v *document.Value) *document.Value {
		if v == nil {
			return &document.Value{Kind: document.Table}
		}
		return v
	}
	sources := p.Get("source")
	if sources == nil {
		one := &document.Value{Kind: document.Table}
		one.Add("name", literal.Place{}, &document.Value{Kind: document.String, Str: "pypi"})
		one.Add("url", literal.Place{}, &document.Value{Kind: document.String, Str: "https://pypi.org/simple"})
		one.Add("verify_ssl", literal.Place{}, &document.Value{Kind: document.Other, Raw: "true"})
		sources = &document.Value{Kind: document.Array, Items: []*document.Value{one}}
	}
	meta := &document.Value{Kind: document.Table}
	meta.Add("sources", literal.Place{}, sources)
	meta.Add("requires", literal.Place{}, or(p.Get("requires")))
	v := &document.Value{Kind: document.Table}
	v.Add("_meta", literal.Place{}, meta)
	v.Add("default", literal.Place{}, or(p.Get("packages")))
	v.Add("develop", literal.Place{}, or(p.Get("dev-packages")))
	for _, k := range p.Keys {
		switch k.Name {
		case "source", "packages", "dev-packages", "requires", "scripts", "pipfile", "pipenv", "default", "develop":
		default:
			v.Add(k.Name, k.Place, k.Value)
		}
	}
	return []string{contentHash(v, ",", ":")}
}

// pipfileEntry is one package of a Pipfile or its lock, which write it alike.
func (r *requirements) pipfileEntry(k document.Key, locked bool) {
	w := Wanted{Name: k.Name, Place: k.Place}
	e := k.Value
	version := e.Str
	if e.Kind == document.Table {
		version = e.Text("version").Value
		marker := pipfileMarker(e)
		switch r.env.Holds(marker) {
		case pep.Never:
			return
		case pep.Perhaps:
			w.Marker = marker
		}
	}
	if version != "" && version != "*" {
		for s := range strings.SplitSeq(version, ",") {
			w.Specifiers = append(w.Specifiers, strings.TrimSpace(s))
		}
	}
	for _, h := range items(e.Get("hashes")) {
		if validHash(h.Str) {
			w.Hashes = append(w.Hashes, h.Str)
		}
	}
	if !locked {
		w.Extras = normalNames(extrasOf(e))
	}
	r.pipfileSource(w, e, locked)
}

// pipfileSource takes the entry from where it says.
func (r *requirements) pipfileSource(w Wanted, e *document.Value, locked bool) {
	var ok bool
	switch git, file, path := e.Text("git"), e.Text("file"), e.Text("path"); {
	case git.Value != "":
		ref := e.Text("ref").Value
		commit := ""
		if gitCommit.MatchString(ref) {
			commit = ref
		}
		r.wantGit(w, git.Value, ref, commit, e.Text("subdirectory").Value)
		return
	case path.Value != "" || file.Value != "" && !isURL(file.Value):
		if path.Value == "" {
			path = document.Text{Value: strings.TrimPrefix(file.Value, "file://"), Place: file.Place}
		}
		if w.Path, ok = r.localPath(path.Place, path.Value); !ok {
			return
		}
		w.Specifiers, w.Hashes = nil, nil
	case file.Value != "":
		if w.URL, ok = r.archiveAt(file.Place, file.Value); !ok {
			return
		}
		w.Specifiers = nil
	case e.Kind != document.String && e.Kind != document.Table:
		r.fault("FN1121", w.Place, fmt.Sprintf("the package %q must be text or a table, not %s", w.Name, e.Kind), "write, for example, `"+w.Name+" = \"*\"`")
		return
	case locked && w.Version() == "":
		r.fault("FN1124", w.Place, fmt.Sprintf("%q has no version in the lock file", w.Name), "run `"+pipenvRelock+"`")
		return
	}
	r.want(w)
}

// pipfileMarker joins what an entry says about where it is wanted: each variable of
// a marker may be a key of its own.
func pipfileMarker(e *document.Value) string {
	marker := e.Text("markers").Value
	for _, name := range slices.Sorted(maps.Keys(pep.MarkerVariables)) {
		v := e.Text(name)
		if v.Value == "" || name == "extras" || name == "extra" || strings.Contains(name, ".") {
			continue
		}
		value := strings.TrimSpace(v.Value)
		if value[0] != '=' && value[0] != '!' && value[0] != '<' && value[0] != '>' && value[0] != '~' {
			value = "== '" + strings.Trim(value, `'"`) + "'"
		}
		marker = both(marker, name+" "+value)
	}
	return marker
}

// pipfilePython is what a Pipfile requires of Python, as a specifier.
func pipfilePython(p *document.Value) document.Text {
	for _, key := range []string{"python_full_version", "python_version"} {
		if t := p.Text("requires", key); t.Value != "" && t.Value != "*" {
			if _, ok := pep.ParseVersion(t.Value); ok {
				m := strings.SplitN(t.Value, ".", 3)
				return document.Text{Value: "==" + strings.Join(m[:min(len(m), 2)], ".") + ".*", Place: t.Place}
			}
			return t
		}
	}
	return document.Text{}
}
