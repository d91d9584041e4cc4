package dependencies

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/config/document"
	"fngen.dev/fngen/compiler/config/pep"
	"fngen.dev/fngen/compiler/literal"
)

// pyproject reads [project] dependencies, or else those in Poetry's table, which
// are installed without the project itself: its code is the tree's.
func (r *requirements) pyproject() {
	if r.project.table == nil {
		return // the fault is reported
	}
	if r.project.poetryTable() != nil && r.project.table.Get("project", "dependencies") == nil {
		r.poetry()
		return
	}
	if r.project.dynamic() {
		r.out.Files = []string{"pyproject.toml"}
		r.ship(literal.Place{File: "pyproject.toml"}, ".") // the backend may read any file
		r.out.Partial = true
		return
	}
	if r.project.table.Get("project", "dependencies") == nil {
		if tool, at := r.project.foreign(); tool != "" {
			r.fault("FN1122", at, fmt.Sprintf("the dependencies are written for %s alone, and are not read", tool), "write them as `dependencies = [...]` of [project]")
		}
		return
	}
	r.out.Files = []string{"pyproject.toml"}
	r.declared()
}

// setup leaves it to setuptools to say what a setup.cfg or setup.py needs: it runs
// them, and they may read any file. A setup.cfg alone that lists its requirements
// itself reads none for them.
func (r *requirements) setup(file string) {
	r.out.Files = []string{file}
	r.out.Partial = true
	data, err := fs.ReadFile(r.tree.FS, file)
	if file != "setup.cfg" || document.In(r.tree, "setup.py") || err != nil || !listsRequires(string(data)) {
		r.ship(literal.Place{File: file}, ".")
		return
	}
	r.local[file] = true
	if document.In(r.tree, "pyproject.toml") { // says what to build with
		r.local["pyproject.toml"] = true
	}
}

var (
	requiresKey = regexp.MustCompile(`(?m)^install_requires[ \t]*[=:](.*(?:\n(?:[ \t].*|[ \t]*))*)`)
	// directive is what setuptools takes from elsewhere.
	directive = regexp.MustCompile(`\b(?:file|attr)[ \t]*:|%\(`)
)

// listsRequires reports whether a setup.cfg says in plain words what to install.
func listsRequires(text string) bool {
	all := requiresKey.FindAllStringSubmatch(strings.ReplaceAll(text, "\r\n", "\n"), -1)
	return len(all) == 1 && !directive.MatchString(all[0][1])
}

// declared judges the dependencies that pyproject.toml names.
func (r *requirements) declared() {
	sources := r.project.sources()
	for _, t := range r.project.dependencies(&r.diags) {
		name, ok := r.named(t.Place, t.Value, "")
		if !ok {
			continue
		}
		r.add(Package{name, t.Place})
		// The SDK is on every node: its source matters on a person's machine only.
		if s := sources[name]; s != nil && name != SDK {
			for _, one := range append(slices.Clone(s.Items), s) {
				r.source(name, one)
			}
		}
	}
}

// sources are where [tool.uv.sources] takes packages from, by normalised name.
func (p *Pyproject) sources() map[string]*document.Value {
	out := map[string]*document.Value{}
	if v := p.table.Get("tool", "uv", "sources"); v != nil {
		for _, k := range v.Keys {
			out[pep.NormalName(k.Name)] = k.Value
		}
	}
	return out
}

func (r *requirements) source(name string, s *document.Value) {
	if git := s.Text("git"); git.Value != "" {
		text := gitURL(git.Value) + revision(s)
		if folder := s.Text("subdirectory").Value; folder != "" {
			text += "#subdirectory=" + folder
		}
		r.fromGit(git.Place, name, text)
	}
	if local := s.Text("path"); local.Value != "" {
		r.install(local.Place, local.Value)
	}
	if w := s.Get("workspace"); w != nil {
		r.member(name, w.Place)
	}
}

func revision(s *document.Value) string {
	for _, key := range []string{"rev", "tag", "branch"} {
		if v := s.Text(key).Value; v != "" {
			return "@" + v
		}
	}
	return ""
}

// member finds the member of the workspace that has the name.
func (r *requirements) member(name string, at literal.Place) {
	if r.members == nil {
		r.members = map[string]string{}
		for _, f := range r.tree.Files {
			if dir, ok := strings.CutSuffix(f.Path, "/pyproject.toml"); ok {
				t := loadTOML(r.tree, f.Path, maxPyproject, &r.diags)
				r.members[pep.NormalName(t.Text("project", "name").Value)] = dir
			}
		}
	}
	dir, ok := r.members[name]
	if !ok {
		r.fault("FN1116", at, fmt.Sprintf("%q is not a member of the workspace in this tree", name), "push the directory that holds the whole workspace")
		return
	}
	r.install(at, "./"+dir)
}

// unread warns of the file that a person may think is followed, when nothing that
// is read says what to install.
func (r *requirements) unread() {
	if r.diags.HasErrors() || r.project.from != "" {
		return
	}
	for _, name := range []string{"environment.yml", "environment.yaml"} {
		if document.In(r.tree, name) {
			r.warn("FN1123", literal.Place{File: name}, name+" is not read, so nothing that it names is installed",
				"export it: `pip list --format=freeze > requirements.txt` in the environment")
			return
		}
	}
	for _, f := range r.tree.Files {
		dir, base := path.Split(f.Path)
		if (dir == "" || dir == "requirements/") && strings.HasSuffix(base, ".txt") && (dir != "" || strings.HasPrefix(base, "requirements")) {
			r.warn("FN1123", literal.Place{File: f.Path}, fmt.Sprintf("%s is not read: only requirements.txt at the root is", f.Path),
				fmt.Sprintf("write a requirements.txt with the line `-r %s`", f.Path))
			return
		}
	}
}
