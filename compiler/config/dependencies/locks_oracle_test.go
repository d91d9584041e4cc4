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
