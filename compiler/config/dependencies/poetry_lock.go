package dependencies

import (
	"fmt"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/config/document"
	"fngen.dev/fngen/compiler/config/pep"
	"fngen.dev/fngen/compiler/literal"
)

const poetryRelock = "poetry lock"

// poetryLock reads poetry.lock: of the group main, what the platform's environment
// needs. A lock of Poetry 2 says for each package who needs it and where; older
// ones are followed from the dependencies of pyproject.toml on.
func (r *requirements) poetryLock() {
	r.out.Files = []string{"poetry.lock", "pyproject.toml"}
	lock := r.project.lock
	r.poetryGroups()
	version := lock.Text("metadata", "lock-version")
	if major, _, _ := strings.Cut(version.Value, "."); version.Value != "" && major != "1" && major != "2" {
		r.fault("FN1124", version.Place, fmt.Sprintf("poetry.lock has the unknown form %q", version.Value), "write it by Poetry 1 or 2: `"+poetryRelock+"`")
		return
	}
	r.fits("poetry.lock", "pyproject.toml", lock.Text("metadata", "content-hash"), poetryRelock, r.project.poetryHashes()...)
	l := newPoetryLock(lock)
	if v, ok := pep.ParseVersion(version.Value); ok && pep.CompareReleases(v, pep.Version{Epoch: "0", Release: []string{"2", "1"}}) >= 0 {
		r.grouped(l)
	} else {
		r.followed(l)
	}
	r.settle(poetryRelock)
}

// poetryHashes are the forms of the content that versions of Poetry hash: from 2.3
// on with dependency groups, from 2.0 on with [project], from 1.2 on with groups of
// its own.
func (p *Pyproject) poetryHashes() []string {
	legacy := []string{"dependencies", "source", "extras", "dev-dependencies"}
	tool := p.table.Get("tool", "poetry")
	full := func(all bool) *document.Value {
		out := pick(tool, append(slices.Clone(legacy), "group")...)
		for _, k := range legacy {
			if all && tool.Get(k) == nil {
				out.Add(k, literal.Place{}, nil)
			}
		}
		return out
	}
	nested := func(project, groups *document.Value) *document.Value {
		root := &document.Value{Kind: document.Table}
		if len(project.Keys) > 0 {
			root.Add("project", literal.Place{}, project)
		}
		if groups != nil && len(groups.Keys) > 0 {
			root.Add("dependency-groups", literal.Place{}, groups)
		}
		if len(root.Keys) == 0 {
			return full(true)
		}
		t := &document.Value{Kind: document.Table}
		t.Add("poetry", literal.Place{}, full(false))
		root.Add("tool", literal.Place{}, t)
		return root
	}
	project := pick(p.table.Get("project"), "requires-python", "dependencies", "optional-dependencies")
	oldest := pick(tool, legacy...)
	for _, k := range legacy {
		if tool.Get(k) == nil {
			oldest.Add(k, literal.Place{}, nil)
		}
	}
	var out []string
	for _, v := range []*document.Value{nested(project, p.table.Get("dependency-groups")), nested(project, nil), full(true), oldest} {
		out = append(out, contentHash(v, ", ", ": "))
	}
	return out
}

// poetryPackage is one [[package]].
type poetryPackage struct {
	*document.Value
	name    string
	version pep.Version
	valid   bool
}

type poetryLock struct {
	packages []poetryPackage
	byName   map[string][]*poetryPackage // newest first
	metadata *document.Value
}

func newPoetryLock(lock *document.Value) *poetryLock {
	l := &poetryLock{byName: map[string][]*poetryPackage{}, metadata: lock.Get("metadata")}
	for _, p := range items(lock.Get("package")) {
		v, ok := pep.ParseVersion(p.Text("version").Value)
		if name := p.Text("name").Value; name != "" {
			l.packages = append(l.packages, poetryPackage{p, pep.NormalName(name), v, ok})
		}
	}
	for i := range l.packages {
		p := &l.packages[i]
		l.byName[p.name] = append(l.byName[p.name], p)
	}
	for _, list := range l.byName {
		slices.SortStableFunc(list, func(a, b *poetryPackage) int { return pep.CompareVersions(b.version, a.version) })
	}
	return l
}

// grouped takes the packages that the lock itself says are of the group main.
func (r *requirements) grouped(l *poetryLock) {
	for _, p := range l.packages {
		if !slices.ContainsFunc(items(p.Get("groups")), func(g *document.Value) bool { return g.Str == "main" }) {
			continue
		}
		marker := p.Text("markers").Value
		if m := p.Get("markers"); m != nil && m.Kind == document.Table {
			marker = m.Text("main").Value
		}
		r.wantLocked(l, p, marker)
	}
}

// wantLocked takes a package unless its marker says that it is not wanted.
func (r *requirements) wantLocked(l *poetryLock, p poetryPackage, marker string) {
	w := Wanted{Name: p.name, Specifiers: []string{"==" + p.Text("version").Value}, Hashes: l.hashes(p), Place: p.Get("name").Place}
	switch r.env.Holds(marker) {
	case pep.Never:
		return
	case pep.Perhaps:
		w.Marker = marker
	}
	if !p.valid {
		r.fault("FN1124", w.Place, fmt.Sprintf("%q has no version in the lock file", p.name), "run `"+poetryRelock+"`")
		return
	}
	source := p.Get("source")
	at := source.Text("url")
	if at.Value == "" {
		r.want(w)
		return
	}
	switch source.Text("type").Value {
	case "git":
		r.wantGit(w, at.Value, source.Text("reference").Value, source.Text("resolved_reference").Value, source.Text("subdirectory").Value)
		return
	case "directory", "file":
		var ok bool
		if w.Path, ok = r.localPath(at.Place, at.Value); !ok {
			return
		}
		w.Specifiers = nil
		if source.Text("type").Value == "directory" {
			w.Hashes = nil
		}
	case "url":
		w.URL, _ = r.archiveAt(at.Place, at.Value)
		if w.Specifiers = nil; w.URL == "" {
			return
		}
	default:
		r.index(at.Place, at.Value)
	}
	r.want(w)
}

// hashes are those of a package's files, which older locks have at the end.
func (l *poetryLock) hashes(p poetryPackage) []string {
	var out []string
	add := func(h string) {
		if h != "" && !strings.Contains(h, ":") {
			h = "sha256:" + h
		}
		if validHash(h) {
			out = append(out, h)
		}
	}
	files := p.Get("files")
	if files == nil {
		files = l.metadata.Get("files", p.Text("name").Value)
	}
	for _, f := range items(files) {
		add(f.Text("hash").Value)
	}
	for _, h := range items(l.metadata.Get("hashes", p.Text("name").Value)) {
		add(h.Str)
	}
	return out
}

// validHash is a hash that an installer takes; weaker ones are no proof.
func validHash(h string) bool {
	return hashOption.MatchString("--hash="+h) && strings.HasPrefix(h, "sha") && !strings.HasPrefix(h, "sha1")
}
