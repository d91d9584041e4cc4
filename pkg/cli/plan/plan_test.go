package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"
	"testing/fstest"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/target"
)

func manifestOf(files fstest.MapFS) (m source.Manifest) {
	for path, f := range files {
		sum := sha256.Sum256(f.Data)
		m.Files = append(m.Files, source.File{Path: path, Size: int64(len(f.Data)), SHA256: hex.EncodeToString(sum[:])})
	}
	m.Sort()
	return m
}

// planned is a tree of the files, with n others in the package lib, and the request
// for its plan as the platform gets it.
func planned(t *testing.T, files map[string]string, n int) (source.Tree, api.PlanRequest, []byte) {
	t.Helper()
	tree := fstest.MapFS{
		"app.py":             {Data: []byte("from fngen.powers import webapp\n\n@webapp(framework='asgi')\ndef live_app():\n    return 1\n")},
		"lib/pyproject.toml": {Data: []byte("[project]\nname = 'lib'\nversion = '1'\n")},
	}
	for path, text := range files {
		tree[path] = &fstest.MapFile{Data: []byte(text)}
	}
	for i := range n {
		tree[fmt.Sprintf("lib/a_module_with_a_name_as_they_have_them/%05d.py", i)] = &fstest.MapFile{Data: fmt.Append(nil, i)}
	}
	shipped := source.Tree{Manifest: manifestOf(tree), FS: tree}
	project, list := compiler.Compile(t.Context(), compiler.Input{Tree: shipped, Project: "shop", Target: target.Offline()})
	if list.HasErrors() {
		t.Fatal(list)
	}
	body, err := json.Marshal(planRequest(shipped.Manifest, project))
	if err != nil {
		t.Fatal(err)
	}
	var got api.PlanRequest
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	return shipped, got, body
}

// The platform makes the key of the layer of a plan from the request alone, and
// that of a push from the tree.
func TestPlanOfLocalPackages(t *testing.T) {
	cluster := jobs.DefaultCluster()
	for what, files := range map[string]map[string]string{
		"the tree":      {"requirements.txt": "-e .\n", "pyproject.toml": "[project]\nname = 'shop'\nversion = '1'\n"},
		"a directory":   {"requirements.txt": "./lib\n"},
		"a file's path": {"requirements.txt": "-r more/those.txt\n", "more/those.txt": "./lib\n"},
		"a workspace":   {"pyproject.toml": "[project]\nname = 'shop'\nversion = '1'\ndependencies = ['lib']\n[tool.uv.sources]\nlib = {workspace = true}\n[tool.uv.workspace]\nmembers = ['lib']\n"},
		"a setup.py":    {"setup.py": "from setuptools import setup\nsetup(name='shop', install_requires=['flask'])\n"},
	} {
		tree, req, _ := planned(t, files, 3)
		key := jobs.LayerKey(&req.Project, tree.Manifest, cluster)
		if asked := jobs.LayerKey(&req.Project, source.Manifest{Files: req.Requirements}, cluster); asked != key {
			t.Errorf("%s: the plan's layer is %s, the push's %s", what, asked, key)
		}
		// What the package has is part of it.
		files["lib/changed.py"] = "x = 1"
		tree, req, _ = planned(t, files, 3)
		if jobs.LayerKey(&req.Project, tree.Manifest, cluster) == key {
			t.Errorf("%s: another tree has the same layer", what)
		}
	}
}

// planBytes is what the platform reads of a request.
const planBytes = 1 << 20

func TestPlanOfLargeLocalPackage(t *testing.T) {
	if _, _, body := planned(t, map[string]string{"requirements.txt": "./lib\n"}, 20_000); len(body) > planBytes {
		t.Errorf("the request for a plan has %d bytes", len(body))
	}
}
