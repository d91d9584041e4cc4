package dependencies

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/config/document"
	"fngen.dev/fngen/compiler/config/pep"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/source"
)

// What comes from the tree itself: wheels, and directories that packages are
// built from. All their files go into the key of the layer, so that a change in
// them makes a new one.

var (
	urlScheme = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://[^\s/]`)
	archive   = regexp.MustCompile(`(?i)\.(?:whl|zip|tar|tar\.gz|tgz|tar\.bz2|tbz|tar\.xz|txz|tar\.zst)$`)
	vcsScheme = regexp.MustCompile(`^(?:git|hg|svn|bzr)(?:\+[A-Za-z0-9+.-]+)?:|^(?:git|hg|svn|bzr)@`)
)

func isURL(text string) bool {
	m := urlScheme.FindStringSubmatch(text)
	return m != nil && !strings.EqualFold(m[1], "file") && !strings.HasSuffix(strings.ToLower(m[1]), "+file")
}

// isPath reports whether the start of a requirement is a path and not a name.
func isPath(text string) bool {
	first, _, _ := strings.Cut(text, ";")
	first = strings.TrimSpace(first)
	if i := strings.IndexAny(first, " \t["); i >= 0 {
		first = first[:i]
	}
	return strings.HasPrefix(first, ".") || strings.HasPrefix(first, "~") || strings.HasPrefix(strings.ToLower(first), "file:") ||
		strings.ContainsAny(first, `/\`) || archive.MatchString(first)
}

// inside turns a path that a file names into one of the tree.
func (r *requirements) inside(at literal.Place, file, value string) (string, bool) {
	value = strings.Trim(value, `"'`)
	target := path.Join(path.Dir(file), value)
	if value == "" || strings.HasPrefix(value, "/") || strings.HasPrefix(value, "~") || strings.ContainsAny(value, `\%`) || !filepath.IsLocal(target) {
		r.fault("FN1116", at, fmt.Sprintf("the path %q leads out of the tree", mask(value)), "use a path inside the tree, with slashes")
		return "", false
	}
	return target, true
}

// install takes a wheel or a directory of the tree. Such paths start at the root,
// wherever the line stands: that is where pip and uv are run.
func (r *requirements) install(at literal.Place, value string) {
	value, _, _ = strings.Cut(value, " ;")
	value, _, _ = strings.Cut(value, "#")
	value, _, _ = strings.Cut(strings.TrimSpace(value), "[")
	if i := strings.Index(strings.ToLower(value), "file:"); i >= 0 {
		value = strings.TrimPrefix(value[i+len("file:"):], "//")
	}
	target, ok := r.inside(at, "requirements.txt", value)
	if !ok || r.installed[target] || !r.ship(at, target) {
		return
	}
	r.installed[target] = true
	if m := pep.NameForm.FindString(path.Base(target)); archive.MatchString(target) && m != "" {
		name, _, _ := strings.Cut(m, "-")
		r.add(Package{pep.NormalName(name), at})
		return
	}
	if archive.MatchString(target) {
		return
	}
	// What a package of the tree needs is needed by the tree.
	var ignored diag.List
	nested := &Pyproject{table: loadTOML(r.tree, path.Join(target, "pyproject.toml"), maxPyproject, &ignored)}
	if nested.table.Get("project") == nil || nested.dynamic() {
		r.out.Partial = true
	}
	for _, t := range nested.dependencies(&ignored) {
		if req, ok := pep.ParseRequirement(t.Value); ok {
			r.add(Package{pep.NormalName(req.Name), t.Place})
		}
	}
}

// ship marks a file, or all below a directory, as part of what is installed.
func (r *requirements) ship(at literal.Place, target string) bool {
	found := document.In(r.tree, target)
	if found {
		r.local[target] = true
	}
	below := target + "/"
	if target == "." {
		below = ""
	}
	from, _ := slices.BinarySearchFunc(r.tree.Files, below, func(f source.File, name string) int { return strings.Compare(f.Path, name) })
	for _, f := range r.tree.Files[from:] {
		if !strings.HasPrefix(f.Path, below) {
			break
		}
		r.local[f.Path], found = true, true
	}
	if !found {
		r.fault("FN1116", at, fmt.Sprintf("%q does not ship with the tree", target), "correct the path; `fngen files` shows what ships")
	}
	return found
}

// digestOf identifies files of a tree, with their contents.
func digestOf(tree source.Tree, files map[string]bool) string {
	var m source.Manifest
	for _, f := range tree.Files {
		if files[f.Path] {
			m.Files = append(m.Files, f)
		}
	}
	if len(m.Files) == 0 {
		return ""
	}
	return m.Digest()
}
