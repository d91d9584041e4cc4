package dependencies

import (
	"fmt"
	"strings"

	"fngen.dev/fngen/compiler/config/document"
	"fngen.dev/fngen/compiler/config/pep"
	"fngen.dev/fngen/compiler/literal"
)

// pylock reads pylock.toml (PEP 751): what its markers want here, with the groups
// that it has by default and without extras.
func (r *requirements) pylock() {
	r.out.Files = []string{"pylock.toml"}
	lock := r.project.lock
	version := lock.Text("lock-version")
	if major, _, _ := strings.Cut(version.Value, "."); major != "1" {
		at := version.Place
		if at.Line == 0 {
			at = literal.Place{File: "pylock.toml"}
		}
		r.fault("FN1124", at, fmt.Sprintf("pylock.toml has the unknown form %q", version.Value), "write it in version 1.0 of PEP 751")
		return
	}
	for _, g := range items(lock.Get("default-groups")) {
		r.env.Groups = append(r.env.Groups, g.Str)
	}
	r.environments(lock)
	for _, p := range items(lock.Get("packages")) {
		r.pylockPackage(p)
	}
	r.missingFromPylock()
	r.settle(relock["pylock.toml"])
}

// environments holds that the lock is for this one.
func (r *requirements) environments(lock *document.Value) {
	list := lock.Get("environments")
	for _, e := range items(list) {
		if r.env.Holds(e.Str) != pep.Never {
			return
		}
	}
	if len(items(list)) > 0 {
		r.fault("FN1124", list.Place, "pylock.toml was made for other environments than Linux with Python "+r.env.Minor, "lock for Linux on x86-64 and this Python, or choose another by `python:` in fngen.yml")
	}
}

func (r *requirements) pylockPackage(p *document.Value) {
	name, version := p.Text("name"), p.Text("version").Value
	w := Wanted{Name: name.Value, Place: name.Place}
	if w.Place.Line == 0 {
		w.Place = p.Place
	}
	marker := p.Text("marker").Value
	switch r.env.Holds(marker) {
	case pep.Never:
		return
	case pep.Perhaps:
		w.Marker = marker
	}
	if version != "" {
		w.Specifiers = []string{"==" + version}
	}
	vcs, directory, archive := p.Get("vcs"), p.Get("directory"), p.Get("archive")
	var ok bool
	switch {
	case vcs != nil:
		r.pylockVCS(w, vcs)
		return
	case directory != nil:
		if pep.NormalName(name.Value) == pep.NormalName(r.project.table.Text("project", "name").Value) {
			return // the project itself is the tree
		}
		if w.Path, ok = r.localPath(directory.Text("path").Place, directory.Text("path").Value); !ok {
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
		r.index(p.Text("index").Place, p.Text("index").Value)
		w.Hashes = append(w.Hashes, pylockHashes(p.Get("sdist"))...)
		for _, wheel := range items(p.Get("wheels")) {
			w.Hashes = append(w.Hashes, pylockHashes(wheel)...)
		}
	}
	r.want(w)
}

func (r *requirements) pylockVCS(w Wanted, vcs *document.Value) {
	if kind := vcs.Text("type").Value; kind != "git" {
		r.refuseCheckout(w.Place, w.Name, kind+"+"+vcs.Text("url").Value, "only git over HTTPS is")
		return
	}
	r.wantGit(w, vcs.Text("url").Value, vcs.Text("requested-revision").Value, vcs.Text("commit-id").Value, vcs.Text("subdirectory").Value)
}

func (r *requirements) pylockArchive(w Wanted, archive *document.Value) (Wanted, bool) {
	var ok bool
	w.Specifiers = nil
	w.Hashes = pylockHashes(archive)
	if path := archive.Text("path"); path.Value != "" {
		w.Path, ok = r.localPath(path.Place, path.Value)
		return w, ok
	}
	w.URL, ok = r.archiveAt(archive.Text("url").Place, archive.Text("url").Value)
	return w, ok
}

func pylockHashes(file *document.Value) []string {
	var out []string
	table := file.Get("hashes")
	if table == nil {
		return nil
	}
	for _, k := range table.Keys {
		if h := k.Name + ":" + k.Value.Str; validHash(h) {
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
