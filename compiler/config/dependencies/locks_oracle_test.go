package dependencies

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"fngen.dev/fngen/compiler/config/document"
	"fngen.dev/fngen/compiler/config/pep"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/source"
)

// The tools themselves say what they would install, and whether a lock is fresh.
//
//go:embed testdata/locks_oracle.py
var locksOracle string

// lockCase is a project of some tool, and what is read from it here.
type lockCase struct {
	Tool  string
	Files map[string]string
	// Lines are ours for each Python, Fresh whether the lock fits.
	Lines map[string][]string
	Fresh bool
}

// lockVerdict is what the tool says: Missing and Extra are lines by which ours
// differ from its own on a Python.
type lockVerdict struct {
	Error          string
	Fresh          bool
	Missing, Extra map[string][]string
	Lines          int
}

var lockPythons = []string{"3.10", "3.11", "3.12", "3.13"}

func readLock(t *testing.T, tool string, files map[string]string) lockCase {
	t.Helper()
	c := lockCase{Tool: tool, Files: files, Lines: map[string][]string{}, Fresh: true}
	tree := source.Tree{FS: fstest.MapFS{}}
	for name, text := range files {
		tree.FS.(fstest.MapFS)[name] = &fstest.MapFile{Data: []byte(text)}
		tree.Files = append(tree.Files, source.File{Path: name})
	}
	slices.SortFunc(tree.Files, func(a, b source.File) int { return strings.Compare(a.Path, b.Path) })
	for _, python := range lockPythons {
		p, diags := LoadPyproject(tree)
		r, more := ReadRequirements(tree, p, python)
		c.Lines[python] = []string{}
		for _, w := range r.Wanted {
			c.Lines[python] = append(c.Lines[python], w.Line(Git.Revision))
		}
		for _, d := range append(diags, more...) {
			if d.Code == "FN1124" && strings.Contains(d.Message, "made from") {
				c.Fresh = false
			} else if d.Severity == diag.Error {
				t.Errorf("%s: %s:%d: %s\n%s", tool, d.File, d.Line, d.Message, files["poetry.lock"])
			}
		}
	}
	return c
}

func askTools(t *testing.T, cases []lockCase) []lockVerdict {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	found, _ := filepath.Glob(filepath.Join(cache, "fngen", "tools", "locktools-*"))
	if len(found) == 0 {
		t.Skip("Poetry, PDM and Pipenv are not installed: `go run ./nomad/dev oracle` does it where there is a package index")
	}
	given, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", "-c", locksOracle)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+found[len(found)-1], "HOME="+t.TempDir(), "PIPENV_IGNORE_VIRTUALENVS=1", "PDM_CHECK_UPDATE=0", "PDM_USE_VENV=0", "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stdin = bytes.NewReader(given)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("run the tools: %v", err)
	}
	var answer []lockVerdict
	if err := json.Unmarshal(out[bytes.LastIndexByte(bytes.TrimSpace(out), '\n')+1:], &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func compareLocks(t *testing.T, cases []lockCase) {
	t.Helper()
	compared, lines, failed := 0, 0, 0
	for i, v := range askTools(t, cases) {
		c := cases[i]
		if v.Error != "" {
			failed++
			t.Logf("%s does not take case %d: %s", c.Tool, i, v.Error)
			continue
		}
		compared++
		lines += v.Lines
		if v.Fresh != c.Fresh {
			t.Errorf("%s case %d: fresh is %v here and %v to it\n%s", c.Tool, i, c.Fresh, v.Fresh, c.Files["pyproject.toml"]+c.Files["Pipfile"])
		}
		for _, python := range lockPythons {
			if len(v.Missing[python])+len(v.Extra[python]) > 0 {
				t.Errorf("%s case %d, Python %s: missing here %q, too much here %q", c.Tool, i, python, v.Missing[python], v.Extra[python])
				if t.Failed() && testing.Verbose() {
					t.Log(c.Files)
				}
			}
		}
	}
	if compared < len(cases)*9/10 || lines < compared {
		t.Fatalf("%d of %d cases compared, with %d lines: too few to say anything", compared, len(cases), lines)
	}
	t.Logf("%d projects and %d lines compared", compared, lines)
}

// TestLocksLikeTheirTools: what is read from a lock is what its tool would export,
// for random graphs of packages.
func TestLocksLikeTheirTools(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var cases []lockCase
	for range 30 {
		cases = append(cases, readLock(t, "poetry", newLockGraph(rng).poetryOld()))
		cases = append(cases, readLock(t, "poetry", newLockGraph(rng).poetryNew()))
	}
	for range 8 {
		cases = append(cases, readLock(t, "pdm", newLockGraph(rng).pdm()))
	}
	cases = append(cases, readLock(t, "pipenv", newLockGraph(rng).pipenv()))
	compareLocks(t, cases)
}

// lockGraph is a random set of packages that need each other.
type lockGraph struct {
	rng      *rand.Rand
	packages []lockNode
	roots    []lockEdge
}

type lockNode struct {
	name     string
	versions []string // the second is for Python 3.12 and newer
	edges    []lockEdge
	groups   []string
	marker   string
}

type lockEdge struct {
	to       int
	marker   string
	extra    bool // asks for the extra x of the other
	optional bool // is what the extra x brings
}

var lockMarkers = []string{
	"", "", "", "", `sys_platform == "win32"`, `python_version < "3.12"`, `python_version >= "3.11" and platform_system != "Windows"`,
	`implementation_name == "pypy" or os_name == "posix"`, `python_full_version < "3.11.3"`, `python_version in "3.10,3.12"`,
	`platform_machine == "x86_64" or platform_machine == "aarch64"`, `(python_version == "3.10" or python_version > "3.12") and sys_platform != "darwin"`,
	`platform_python_implementation != "PyPy" and python_version >= "3.13"`, `"linux" in sys_platform`,
}

func newLockGraph(rng *rand.Rand) *lockGraph {
	g := &lockGraph{rng: rng}
	for i := range 4 + rng.IntN(7) {
		n := lockNode{name: fmt.Sprintf("pack-%d", i), versions: []string{fmt.Sprintf("1.%d.0", rng.IntN(9))}, marker: g.marker()}
		if rng.IntN(5) == 0 {
			n.versions = append(n.versions, fmt.Sprintf("2.%d", rng.IntN(9)))
		}
		for _, group := range []string{"main", "dev", "docs"} {
			if rng.IntN(2) == 0 {
				n.groups = append(n.groups, group)
			}
		}
		if len(n.groups) == 0 {
			n.groups = []string{"main"}
		}
		g.packages = append(g.packages, n)
	}
	for i := range g.packages {
		used := map[int]bool{}
		for range rng.IntN(4) {
			to := rng.IntN(len(g.packages))
			if to != i && !used[to] {
				used[to] = true
				g.packages[i].edges = append(g.packages[i].edges, lockEdge{to: to, marker: g.marker(), extra: rng.IntN(4) == 0, optional: rng.IntN(4) == 0})
			}
		}
	}
	for i := range 1 + rng.IntN(3) {
		g.roots = append(g.roots, lockEdge{to: i, marker: g.marker(), extra: rng.IntN(3) == 0})
	}
	return g
}

func (g *lockGraph) marker() string { return lockMarkers[g.rng.IntN(len(lockMarkers))] }

func lockHash(name, version string) string {
	return fmt.Sprintf("sha256:%064x", fmt.Sprint(name, version))[:71]
}

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
