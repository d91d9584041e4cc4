package dependencies

import (
	"encoding/json"
	"fmt"
	"strings"

	"fngen.dev/fngen/compiler/config/document"
	"fngen.dev/fngen/compiler/config/pep"
)

// sides are the versions of a package with the marker of each.
func (n lockNode) sides() [][2]string {
	if len(n.versions) == 1 {
		return [][2]string{{n.versions[0], ""}}
	}
	return [][2]string{{n.versions[0], `python_version < "3.12"`}, {n.versions[1], `python_version >= "3.12"`}}
}

// poetryEntry is an edge as Poetry writes it.
func (g *lockGraph) poetryEntry(e lockEdge) string {
	n := g.packages[e.to]
	var list []string
	for _, side := range n.sides() {
		marker := both(e.marker, side[1])
		if e.optional {
			marker = both(marker, `extra == "x"`)
		}
		s := fmt.Sprintf("{version = %q", "^"+side[0])
		if e.extra {
			s += ", extras = [\"x\"]"
		}
		if e.optional {
			s += ", optional = true"
		}
		if marker != "" {
			s += fmt.Sprintf(", markers = %q", marker)
		}
		list = append(list, s+"}")
	}
	if len(list) == 1 {
		return n.name + " = " + list[0] + "\n"
	}
	return n.name + " = [" + strings.Join(list, ", ") + "]\n"
}

// poetryExtra is an edge as the extra of a package lists it.
func (g *lockGraph) poetryExtra(e lockEdge) []string {
	var out []string
	for _, side := range g.packages[e.to].sides() {
		name := g.packages[e.to].name
		if e.extra {
			name += "[x]"
		}
		v, _ := pep.ParseVersion(side[0])
		out = append(out, fmt.Sprintf("\"%s (>=%s,<%s.0.0)\"", name, side[0], v.Next(0)))
	}
	return out
}

func (g *lockGraph) poetryProject() string {
	s := "[tool.poetry]\nname = \"shop\"\nversion = \"1\"\ndescription = \"é\"\nauthors = []\n\n[tool.poetry.dependencies]\npython = \"^3.10\"\n"
	for _, e := range g.roots {
		s += g.poetryEntry(e)
	}
	return s + "\n[tool.poetry.group.dev.dependencies]\ntest = {version = \"*\", allow-prereleases = true}\n\n[tool.poetry.extras]\n\"é\" = []\n"
}

func (g *lockGraph) poetryOld() map[string]string {
	var lock strings.Builder
	for _, n := range g.packages {
		for _, side := range n.sides() {
			fmt.Fprintf(&lock, "[[package]]\nname = %q\nversion = %q\ndescription = \"\"\noptional = false\npython-versions = \">=3.8\"\nfiles = [{file = \"a\", hash = %q}]\n",
				n.name, side[0], lockHash(n.name, side[0]))
			deps, extras := "", []string{}
			for _, e := range n.edges {
				deps += g.poetryEntry(e)
				if e.optional {
					extras = append(extras, g.poetryExtra(e)...)
				}
			}
			if deps != "" {
				lock.WriteString("\n[package.dependencies]\n" + deps)
			}
			fmt.Fprintf(&lock, "\n[package.extras]\nx = [%s]\n\n", strings.Join(extras, ", "))
		}
	}
	lock.WriteString("[metadata]\nlock-version = \"2.0\"\npython-versions = \"^3.10\"\ncontent-hash = \"%s\"\n")
	return g.withHash(map[string]string{"pyproject.toml": g.poetryProject(), "poetry.lock": lock.String()}, (*Pyproject).poetryHashes)
}

func (g *lockGraph) poetryNew() map[string]string {
	var lock strings.Builder
	for _, n := range g.packages {
		for _, side := range n.sides() {
			fmt.Fprintf(&lock, "[[package]]\nname = %q\nversion = %q\ndescription = \"\"\noptional = false\npython-versions = \">=3.8\"\ngroups = [\"%s\"]\nfiles = [{file = \"a\", hash = %q}]\n",
				n.name, side[0], strings.Join(n.groups, `", "`), lockHash(n.name, side[0]))
			marker := both(n.marker, side[1])
			switch {
			case marker == "":
			case len(n.groups) > 1 && g.rng.IntN(2) == 0:
				fmt.Fprintf(&lock, "markers = {%s = %q}\n", n.groups[0], marker)
			default:
				fmt.Fprintf(&lock, "markers = %q\n", marker)
			}
		}
	}
	lock.WriteString("[metadata]\nlock-version = \"2.1\"\npython-versions = \"^3.10\"\ncontent-hash = \"%s\"\n")
	project := "[project]\nname = \"shop\"\nversion = \"1\"\nrequires-python = \">=3.10,<4\"\ndependencies = [\"pack-0 (>=1,<2)\"]\n[dependency-groups]\ndev = [\"a>=1\", {include-group = \"docs\"}]\ndocs = []\n" +
		"[tool.poetry]\npackage-mode = false\n"
	return g.withHash(map[string]string{"pyproject.toml": project, "poetry.lock": lock.String()}, (*Pyproject).poetryHashes)
}

// withHash puts the hash in that some version of the tool writes, or a wrong one.
func (g *lockGraph) withHash(files map[string]string, hashes func(*Pyproject) []string) map[string]string {
	table, err := document.TOML("pyproject.toml", []byte(files["pyproject.toml"]))
	if err != nil {
		panic(err.Msg)
	}
	list := hashes(&Pyproject{table: table})
	hash := list[0]
	if g.rng.IntN(4) == 0 {
		hash = strings.Repeat("0", 64)
	}
	for name, text := range files {
		if strings.HasSuffix(name, ".lock") {
			files[name] = strings.ReplaceAll(text, "content-hash = \"%s\"", "content-hash = \""+hash+"\"")
		}
	}
	return files
}

func (g *lockGraph) requirementLines(e lockEdge) []string {
	var out []string
	for _, side := range g.packages[e.to].sides() {
		s := g.packages[e.to].name
		if e.extra {
			s += "[x]"
		}
		s += "~=" + side[0]
		if marker := both(e.marker, side[1]); marker != "" {
			s += " ; " + marker
		}
		out = append(out, fmt.Sprintf("%q", s))
	}
	return out
}

func (g *lockGraph) pdm() map[string]string {
	var roots []string
	for _, e := range g.roots {
		roots = append(roots, g.requirementLines(e)...)
	}
	var lock strings.Builder
	lock.WriteString("[metadata]\ngroups = [\"default\", \"dev\"]\nstrategy = [\"inherit_metadata\"]\nlock_version = \"4.5.0\"\ncontent_hash = \"sha256:%s\"\n\n[[metadata.targets]]\nrequires_python = \">=3.10\"\n\n")
	for _, n := range g.packages {
		for _, side := range n.sides() {
			for _, withExtra := range []bool{false, true} {
				g.pdmPackage(&lock, n, side, withExtra)
			}
		}
	}
	project := "[project]\nname = \"shop\"\nversion = \"1\"\nrequires-python = \">=3.10\"\ndependencies = [" + strings.Join(roots, ", ") + "]\n[dependency-groups]\nDev_1 = [\"a\"]\n[tool.pdm.resolution]\nallow-prereleases = true\n"
	files := map[string]string{"pyproject.toml": project, "pdm.lock": strings.ReplaceAll(lock.String(), "content_hash = \"sha256:%s\"", "content-hash = \"%s\"")}
	files = g.withHash(files, (*Pyproject).pdmHashes)
	files["pdm.lock"] = strings.ReplaceAll(files["pdm.lock"], "content-hash = \"", "content_hash = \"sha256:")
	return files
}

func (g *lockGraph) pdmPackage(lock *strings.Builder, n lockNode, side [2]string, withExtra bool) {
	fmt.Fprintf(lock, "[[package]]\nname = %q\nversion = %q\nrequires_python = \">=3.8\"\nsummary = \"\"\nfiles = [{file = \"a\", hash = %q}]\n", n.name, side[0], lockHash(n.name, side[0]))
	var deps []string
	if withExtra {
		lock.WriteString("extras = [\"x\"]\n")
		deps = append(deps, fmt.Sprintf("%q", n.name+"=="+side[0]))
	}
	for _, e := range n.edges {
		if e.optional == withExtra {
			deps = append(deps, g.requirementLines(e)...)
		}
	}
	groups := strings.ReplaceAll(strings.Join(n.groups, `", "`), "main", "default")
	fmt.Fprintf(lock, "groups = [\"%s\"]\n", groups)
	marker := n.marker
	if side[1] != "" {
		marker = side[1] // PDM takes none that never holds
	}
	if marker != "" {
		fmt.Fprintf(lock, "marker = %q\n", marker)
	}
	fmt.Fprintf(lock, "dependencies = [%s]\n\n", strings.Join(deps, ", "))
}

func (g *lockGraph) pipenv() map[string]string {
	entries := map[string]any{}
	for _, n := range g.packages {
		e := map[string]any{"version": "==" + n.versions[0], "hashes": []string{lockHash(n.name, n.versions[0])}}
		if n.marker != "" {
			e["markers"] = n.marker
		}
		entries[n.name] = e
	}
	pipfile := "[[source]]\nurl = \"https://pypi.org/simple\"\nverify_ssl = true\nname = \"pypi\"\n\n[packages]\npack-0 = \"*\"\ntest = {version = \"é\", extras = [\"a\"]}\n\n[dev-packages]\n\n[mine]\nb = \"*\"\n"
	table, err := document.TOML("Pipfile", []byte(pipfile))
	if err != nil {
		panic(err.Msg)
	}
	text, _ := json.Marshal(map[string]any{
		"_meta":   map[string]any{"hash": map[string]string{"sha256": pipfileHashes(table)[0]}, "pipfile-spec": 6, "requires": map[string]string{}, "sources": []any{}},
		"default": entries, "develop": map[string]any{},
	})
	return map[string]string{"Pipfile": pipfile, "Pipfile.lock": string(text)}
}
