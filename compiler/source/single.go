package source

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/source/disk"
)

// importRoot climbs from dir out of the packages around it, and reports whether
// there were any. A directory beside a manage.py counts as a package: Django
// imports from there.
func importRoot(dir string) (root string, inPackage bool) {
	for exists(dir, "__init__.py") || !inPackage && !exists(dir, "manage.py") && exists(filepath.Dir(dir), "manage.py") {
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir, inPackage = parent, true
	}
	return dir, inPackage
}

func exists(dir, name string) bool {
	info, err := os.Stat(filepath.Join(dir, name))
	return err == nil && info.Mode().IsRegular()
}

// companions say how a single file is run; they ship beside it when they exist.
var companions = []string{".python-version", "fngen.yaml", "fngen.yml", "pyproject.toml", "requirements.txt", "uv.lock"}

// scanFile ships one file and its companions, whatever else the directory holds.
func scanFile(ctx context.Context, root, entry string, o Options) (*Scanned, error) {
	w := &walker{root: root}
	paths := []string{entry}
	for _, name := range companions {
		if exists(root, name) {
			paths = append(paths, name)
		}
	}
	if exists(root, "requirements.txt") {
		paths = append(paths, included(root, "requirements.txt", map[string]bool{"requirements.txt": true})...)
	}
	slices.Sort(paths)
	top := &node{}
	for _, p := range slices.Compact(paths) {
		w.name(top, p, entry)
	}
	return w.finish(ctx, top, entry, o)
}

// name adds a file that ships because it was named, or because entry was.
func (w *walker) name(n *node, p, entry string) {
	it := item{path: w.prefix + p, why: byCommandLine, builtIn: entry}
	dir, name := path.Split(p)
	for part := range strings.SplitSeq(strings.TrimSuffix(dir, "/"), "/") {
		if why := badName(part); why != "" {
			n.refuseName(p, why)
			n.items = append(n.items, it)
			return
		}
	}
	d, err := disk.OpenDirectory(filepath.Join(w.root, filepath.FromSlash(dir)))
	if err != nil {
		n.unreadable(p, err)
		n.items = append(n.items, it)
		return
	}
	defer d.Close()
	w.check(n, d, &it, name, 0)
	if it.path != "" {
		n.items = append(n.items, it)
	}
}

var includeLine = regexp.MustCompile(`(?m)^[ \t]*(?:-r|-c|--requirement|--constraint)[ \t=]*([^\s#]+)`)

// included lists the files that a requirement file reads by -r and -c, as far as
// they exist below root. That the lines are right is judged by package config.
func included(root, file string, seen map[string]bool) []string {
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
	if err != nil {
		return nil
	}
	var out []string
	for _, m := range includeLine.FindAllSubmatch(data, -1) {
		p := path.Join(path.Dir(file), string(m[1]))
		if seen[p] || strings.HasPrefix(string(m[1]), "/") || !filepath.IsLocal(p) || !exists(root, p) {
			continue
		}
		seen[p] = true
		out = append(append(out, p), included(root, p, seen)...)
	}
	return out
}
