package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

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
		r.fits("Pipfile.lock", "Pipfile", lock.text("_meta", "hash", "sha256"), pipenvRelock, pipfileHashes(r.project.pipfile)...)
	}
	if spec := lock.get("_meta", "pipfile-spec"); spec == nil || spec.raw != "6" {
		at := literal.Place{File: "Pipfile.lock"}
		if spec != nil {
			at = spec.place
		}
		r.fault("FN1124", at, "Pipfile.lock is not of the one form that is known, 6", "write it anew: `"+pipenvRelock+"`")
		return
	}
	r.pipfileSources(lock.get("_meta", "sources"))
	if table := lock.get("default"); table != nil {
		for _, k := range table.keys {
			r.pipfileEntry(k, true)
		}
	}
	r.settle(pipenvRelock)
}

// pipfile reads the packages of a Pipfile without a lock.
func (r *requirements) pipfile() {
	r.out.Files = []string{"Pipfile"}
	r.pipfileSources(r.project.pipfile.get("source"))
	if table := r.project.pipfile.get("packages"); table != nil {
		for _, k := range table.keys {
			r.pipfileEntry(k, false)
		}
	}
	r.settle("")
}

func (r *requirements) pipfileSources(list *tomlValue) {
	for _, s := range items(list) {
		r.index(s.text("url").Place, s.text("url").Value)
	}
}

// pipfileHashes is what Pipenv hashes of a Pipfile; index and categories count.
func pipfileHashes(p *tomlValue) []string {
	or := func(v *tomlValue) *tomlValue {
		if v == nil {
			return &tomlValue{kind: tomlTable}
		}
		return v
	}
	sources := p.get("source")
	if sources == nil {
		one := &tomlValue{kind: tomlTable}
		one.add("name", literal.Place{}, &tomlValue{kind: tomlString, str: "pypi"})
		one.add("url", literal.Place{}, &tomlValue{kind: tomlString, str: "https://pypi.org/simple"})
		one.add("verify_ssl", literal.Place{}, &tomlValue{kind: tomlOther, raw: "true"})
		sources = &tomlValue{kind: tomlArray, items: []*tomlValue{one}}
	}
	meta := &tomlValue{kind: tomlTable}
	meta.add("sources", literal.Place{}, sources)
	meta.add("requires", literal.Place{}, or(p.get("requires")))
	v := &tomlValue{kind: tomlTable}
	v.add("_meta", literal.Place{}, meta)
	v.add("default", literal.Place{}, or(p.get("packages")))
	v.add("develop", literal.Place{}, or(p.get("dev-packages")))
	for _, k := range p.keys {
		switch k.name {
		case "source", "packages", "dev-packages", "requires", "scripts", "pipfile", "pipenv", "default", "develop":
		default:
			v.add(k.name, k.place, k.value)
		}
	}
	return []string{contentHash(v, ",", ":")}
}

// pipfileEntry is one package of a Pipfile or its lock, which write it alike.
func (r *requirements) pipfileEntry(k tomlKey, locked bool) {
	w := Wanted{Name: k.name, Place: k.place}
	e := k.value
	version := e.str
	if e.kind == tomlTable {
		version = e.text("version").Value
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
	for _, h := range items(e.get("hashes")) {
		if validHash(h.str) {
			w.Hashes = append(w.Hashes, h.str)
		}
	}
	if !locked {
		w.Extras = normalNames(extrasOf(e))
	}
	r.pipfileSource(w, e, locked)
}

// pipfileSource takes the entry from where it says.
func (r *requirements) pipfileSource(w Wanted, e *tomlValue, locked bool) {
	var ok bool
	switch git, file, path := e.text("git"), e.text("file"), e.text("path"); {
	case git.Value != "":
		ref := e.text("ref").Value
		commit := ""
		if gitCommit.MatchString(ref) {
			commit = ref
		}
		r.wantGit(w, git.Value, ref, commit, e.text("subdirectory").Value)
		return
	case path.Value != "" || file.Value != "" && !isURL(file.Value):
		if path.Value == "" {
			path = Text{strings.TrimPrefix(file.Value, "file://"), file.Place}
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
	case e.kind != tomlString && e.kind != tomlTable:
		r.fault("FN1121", w.Place, fmt.Sprintf("the package %q must be text or a table, not %s", w.Name, e.kind), "write, for example, `"+w.Name+" = \"*\"`")
		return
	case locked && w.Version() == "":
		r.fault("FN1124", w.Place, fmt.Sprintf("%q has no version in the lock file", w.Name), "run `"+pipenvRelock+"`")
		return
	}
	r.want(w)
}

// pipfileMarker joins what an entry says about where it is wanted: each variable of
// a marker may be a key of its own.
func pipfileMarker(e *tomlValue) string {
	marker := e.text("markers").Value
	for _, name := range slices.Sorted(maps.Keys(pep.MarkerVariables)) {
		v := e.text(name)
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
func pipfilePython(p *tomlValue) Text {
	for _, key := range []string{"python_full_version", "python_version"} {
		if t := p.text("requires", key); t.Value != "" && t.Value != "*" {
			if _, ok := pep.ParseVersion(t.Value); ok {
				m := strings.SplitN(t.Value, ".", 3)
				return Text{"==" + strings.Join(m[:min(len(m), 2)], ".") + ".*", t.Place}
			}
			return t
		}
	}
	return Text{}
}
