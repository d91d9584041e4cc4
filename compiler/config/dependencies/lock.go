package dependencies

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strings"

	"fngen.dev/fngen/compiler/config/document"
	"fngen.dev/fngen/compiler/config/pep"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/literal"
)

// locked reads uv.lock: exactly what it lists for the project, without groups of
// development, is installed. It must still say what pyproject.toml says, for uv
// installs from it without asking.
func (r *requirements) locked() {
	r.out.Files = []string{"uv.lock", "pyproject.toml"}
	r.out.Closed = true
	l := newLock(r.project.lock)
	name := pep.NormalName(r.project.table.Text("project", "name").Value)
	root := l.root(name)
	if root == nil {
		r.fault("FN1124", literal.Place{File: "uv.lock"}, fmt.Sprintf("uv.lock is not of the project %q", name), "run `uv lock`")
		return
	}
	r.stale(root)
	for _, p := range l.needed(root) {
		r.add(Package{p.Get("name").Str, p.Get("name").Place})
		r.lockedSource(p)
	}
}

// lockedSource judges where a package of the lock comes from.
func (r *requirements) lockedSource(p *document.Value) {
	source, name := p.Get("source"), p.Text("name").Value
	if name == SDK {
		r.lockedSDK(p)
		return
	}
	if source == nil {
		return
	}
	for _, k := range source.Keys {
		at := k.Value.Place
		switch k.Name {
		case "git":
			r.lockedGit(at, name, k.Value.Str)
		case "directory", "editable", "path", "virtual":
			r.install(at, k.Value.Str)
		case "registry":
			if !isURL(k.Value.Str) {
				r.install(at, k.Value.Str)
			}
		}
	}
}

// lockedGit reads https://host/path?rev=v1&subdirectory=x#commit.
func (r *requirements) lockedGit(at literal.Place, name, source string) {
	address, commit, _ := strings.Cut(source, "#")
	address, query, _ := strings.Cut(address, "?")
	text := gitURL(address) + "@" + commit
	if options, err := url.ParseQuery(query); err == nil && options.Get("subdirectory") != "" {
		text += "#subdirectory=" + options.Get("subdirectory")
	}
	r.fromGit(at, name, text)
}

// lock is uv.lock by package.
type lock struct {
	byName map[string][]*document.Value
}

func newLock(table *document.Value) *lock {
	l := &lock{byName: map[string][]*document.Value{}}
	list := table.Get("package")
	if list == nil {
		return l
	}
	for _, p := range list.Items {
		if name := p.Text("name").Value; name != "" {
			l.byName[name] = append(l.byName[name], p)
		}
	}
	return l
}

// root is the project itself.
func (l *lock) root(name string) *document.Value {
	for _, p := range l.byName[name] {
		for _, kind := range []string{"virtual", "editable", "directory"} {
			if p.Text("source", kind).Value == "." {
				return p
			}
		}
	}
	return nil
}

// needed are the packages that the root asks for, directly or through others,
// sorted; which of them a platform or Python leaves out is not looked at.
func (l *lock) needed(root *document.Value) []*document.Value {
	met := map[string]bool{}
	var out []*document.Value
	var follow []*document.Value
	follow = append(follow, dependenciesOf(root, "")...)
	for len(follow) > 0 {
		d := follow[len(follow)-1]
		follow = follow[:len(follow)-1]
		name := d.Text("name").Value
		for _, extra := range append([]string{""}, extrasOf(d)...) {
			key := name + "[" + extra + "]"
			if met[key] {
				continue
			}
			met[key] = true
			for _, p := range l.byName[name] {
				if extra == "" && p != root {
					out = append(out, p)
				}
				follow = append(follow, dependenciesOf(p, extra)...)
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Get("name").Place.Line < out[j].Get("name").Place.Line })
	return out
}

func dependenciesOf(p *document.Value, extra string) []*document.Value {
	list := p.Get("dependencies")
	if extra != "" {
		list = p.Get("optional-dependencies", extra)
	}
	if list == nil {
		return nil
	}
	return list.Items
}

func extrasOf(d *document.Value) []string {
	var out []string
	for _, key := range []string{"extra", "extras"} {
		if list := d.Get(key); list != nil {
			for _, e := range list.Items {
				out = append(out, e.Str)
			}
		}
	}
	return out
}

// stale compares what pyproject.toml asks for with what the lock was made for.
func (r *requirements) stale(root *document.Value) {
	if r.project.dynamic() {
		return // only the backend knows
	}
	was, known := map[string][]*document.Value{}, map[string]bool{}
	if list := root.Get("metadata", "requires-dist"); list != nil {
		for _, d := range list.Items {
			if name := d.Text("name").Value; name != "" && !strings.Contains(d.Text("marker").Value, "extra ==") {
				was[name] = append(was[name], d)
				known[name+lockedForm(d)] = true
			}
		}
	}
	asked := map[string]bool{}
	for _, t := range r.project.dependencies(&r.diags) {
		req, ok := pep.ParseRequirement(t.Value)
		if !ok {
			r.named(t.Place, t.Value, "")
			continue
		}
		name, extras := pep.NormalName(req.Name), formOfExtras(req.Extras)
		asked[name] = true
		specifiers := formOfSpecifiers(req.Specifiers)
		if !known[name+extras+specifiers] && !known[name+extras+anyVersion] && (specifiers != anyVersion || len(was[name]) == 0) {
			r.outdated(t.Place, mask(t.Value), was[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(was)) {
		if !asked[name] {
			r.fault("FN1124", was[name][0].Get("name").Place, fmt.Sprintf("uv.lock has %q, which pyproject.toml no longer asks for", name), "run `uv lock`")
		}
	}
}

func (r *requirements) outdated(at literal.Place, asked string, was []*document.Value) {
	var notes []diag.Note
	for _, d := range was[:min(len(was), 3)] { // by marker, there may be several
		p := d.Get("name").Place
		text := d.Text("name").Value + d.Text("specifier").Value
		notes = append(notes, diag.Note{Message: fmt.Sprintf("it was made for %q", text), File: p.File, Line: p.Line, Column: p.Column})
	}
	r.fault("FN1124", at, fmt.Sprintf("uv.lock does not have %q", asked), "run `uv lock`", notes...)
}

// anyVersion is the form of what is not compared.
const anyVersion = " *"

// lockedForm is an entry of the lock in the form in which requirements are compared:
// its extras and its versions.
func lockedForm(d *document.Value) string {
	extras := formOfExtras(extrasOf(d))
	for _, source := range []string{"editable", "directory", "virtual", "path", "git", "url"} {
		if d.Get(source) != nil {
			return extras + anyVersion // its version is what stands there
		}
	}
	return extras + formOfSpecifiers(strings.FieldsFunc(d.Text("specifier").Value, func(c rune) bool { return c == ',' }))
}

func formOfExtras(extras []string) string {
	return "[" + strings.Join(slices.Sorted(slices.Values(extras)), ",") + "]"
}

// formOfSpecifiers sorts them. uv writes versions in their normal form; those that
// are more than an operator and numbers are not compared.
func formOfSpecifiers(list []string) string {
	var out []string
	for _, s := range list {
		m := simpleSpecifier.FindStringSubmatch(strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(s, " ", ""), "\t", "")))
		if m == nil {
			return anyVersion
		}
		out = append(out, m[1]+leadingZeros.ReplaceAllString(m[2], "$1$2"))
	}
	slices.Sort(out)
	return strings.Join(out, ",")
}

var (
	simpleSpecifier = regexp.MustCompile(`^([=!~<>]=?)v?([0-9]+(?:\.[0-9]+)*(?:\.\*)?)$`)
	leadingZeros    = regexp.MustCompile(`(^|\.)0+([0-9])`)
)
