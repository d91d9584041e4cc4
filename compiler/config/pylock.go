package config

import (
	"fmt"
	"strings"

	"fngen.dev/fngen/compiler/config/pep"
	"fngen.dev/fngen/compiler/literal"
)

// pylock reads pylock.toml (PEP 751): what its markers want here, with the groups
// that it has by default and without extras.
func (r *requirements) pylock() {
	r.out.Files = []string{"pylock.toml"}
	lock := r.project.lock
	version := lock.text("lock-version")
	if major, _, _ := strings.Cut(version.Value, "."); major != "1" {
		at := version.Place
		if at.Line == 0 {
			at = literal.Place{File: "pylock.toml"}
		}
		r.fault("FN1124", at, fmt.Sprintf("pylock.toml has the unknown form %q", version.Value), "write it in version 1.0 of PEP 751")
		return
	}
	for _, g := range items(lock.get("default-groups")) {
		r.env.Groups = append(r.env.Groups, g.str)
	}
	r.environments(lock)
	for _, p := range items(lock.get("packages")) {
		r.pylockPackage(p)
	}
	r.missingFromPylock()
	r.settle(relock["pylock.toml"])
}

// environments holds that the lock is for this one.
func (r *requirements) environments(lock *tomlValue) {
	list := lock.get("environments")
	for _, e := range items(list) {
		if r.env.Holds(e.str) != pep.Never {
			return
		}
	}
	if len(items(list)) > 0 {
		r.fault("FN1124", list.place, "pylock.toml was made for other environments than Linux with Python "+r.env.Minor, "lock for Linux on x86-64 and this Python, or choose another by `python:` in fngen.yml")
	}
}

func (r *requirements) pylockPackage(p *tomlValue) {
	name, version := p.text("name"), p.text("version").Value
	w := Wanted{Name: name.Value, Place: name.Place}
	if w.Place.Line == 0 {
		w.Place = p.place
	}
	marker := p.text("marker").Value
	switch r.env.Holds(marker) {
	case pep.Never:
		return
	case pep.Perhaps:
		w.Marker = marker
	}
	if version != "" {
		w.Specifiers = []string{"==" + version}
	}
	vcs, directory, archive := p.get("vcs"), p.get("directory"), p.get("archive")
	var ok bool
	switch {
	case vcs != nil:
		r.pylockVCS(w, vcs)
		return
	case directory != nil:
		if pep.NormalName(name.Value) == pep.NormalName(r.project.table.text("project", "name").Value) {
			return // the project itself is the tree
		}
		if w.Path, ok = r.localPath(directory.text("path").Place, directory.text("path").Value); !ok {
			return
		}
		w.Specifiers = nil
	case archive != nil:
		if w, ok = r.pylockArchive(w, archive); !ok {
			return
		}
	default:
		if w.Version() == "" {
			r.fault("FN1124", w.Place, fmt.Sprintf("%q has no version in the lock file", w.Name), "write pylock.toml anew with its tool")
			return
		}
		r.index(p.text("index").Place, p.text("index").Value)
		w.Hashes = append(w.Hashes, pylockHashes(p.get("sdist"))...)
		for _, wheel := range items(p.get("wheels")) {
			w.Hashes = append(w.Hashes, pylockHashes(wheel)...)
		}
	}
	r.want(w)
}

func (r *requirements) pylockVCS(w Wanted, vcs *tomlValue) {
	if kind := vcs.text("type").Value; kind != "git" {
		r.refuseCheckout(w.Place, w.Name, kind+"+"+vcs.text("url").Value, "only git over HTTPS is")
		return
	}
	r.wantGit(w, vcs.text("url").Value, vcs.text("requested-revision").Value, vcs.text("commit-id").Value, vcs.text("subdirectory").Value)
}

func (r *requirements) pylockArchive(w Wanted, archive *tomlValue) (Wanted, bool) {
	var ok bool
	w.Specifiers = nil
	w.Hashes = pylockHashes(archive)
	if path := archive.text("path"); path.Value != "" {
		w.Path, ok = r.localPath(path.Place, path.Value)
		return w, ok
	}
	w.URL, ok = r.archiveAt(archive.text("url").Place, archive.text("url").Value)
	return w, ok
}

func pylockHashes(file *tomlValue) []string {
	var out []string
	table := file.get("hashes")
	if table == nil {
		return nil
	}
	for _, k := range table.keys {
		if h := k.name + ":" + k.value.str; validHash(h) {
			out = append(out, h)
		}
	}
	return out
}

// missingFromPylock compares with the pyproject.toml beside it: the file does not
// say what it was made from, but what is asked for must be in it.
func (r *requirements) missingFromPylock() {
	have := map[string]Wanted{}
	for _, w := range r.out.Wanted {
		have[w.Name] = w
	}
	for _, t := range r.project.dependencies(&r.diags) {
		req, ok := pep.ParseRequirement(t.Value)
		name := pep.NormalName(req.Name)
		if !ok || name == SDK || r.env.Holds(req.Marker) != pep.Always {
			continue
		}
		w, found := have[name]
		v, known := pep.ParseVersion(w.Version())
		fits, valid := v.Meets(req.Specifiers)
		if !found || known && valid && !fits {
			r.fault("FN1124", t.Place, fmt.Sprintf("pylock.toml does not have %q", mask(t.Value)), "write it anew: `uv export -o pylock.toml`, `pdm lock` or the tool that you use")
		}
	}
}
