package build

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/testbed"
)

// backend builds the wheel of a package in the tree, and writes beside it, as
// setuptools does.
const backend = `
import zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    open("written-by-the-build", "w").close()
    name = "bar-1.0-py3-none-any.whl"
    with zipfile.ZipFile(directory + "/" + name, "w") as z:
        z.writestr("bar.py", open("bar.py").read())
        z.writestr("bar-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: bar\nVersion: 1.0\n")
        z.writestr("bar-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        z.writestr("bar-1.0.dist-info/RECORD", "")
    return name
`

const barProject = `[project]
name = "bar"
version = "1.0"

[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
`

// shopLock locks six, which is on the package index, bar, which is in the tree,
// the SDK by a path of another machine, and a tool of development that exists
// nowhere.
const shopLock = `version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "bar"
version = "1.0"
source = { editable = "libs/bar" }

[[package]]
name = "fngen"
version = "0.0.1"
source = { path = "../elsewhere/fngen-0.0.1-py3-none-any.whl" }
wheels = [
    { filename = "fngen-0.0.1-py3-none-any.whl", hash = "sha256:0000000000000000000000000000000000000000000000000000000000000000" },
]

[[package]]
name = "no-such-tool-of-development"
version = "1.0"
source = { registry = "https://pypi.org/simple" }
wheels = [
    { url = "https://files.pythonhosted.org/no_such_tool_of_development-1.0-py3-none-any.whl", hash = "sha256:0000000000000000000000000000000000000000000000000000000000000000" },
]

[[package]]
name = "shop"
version = "1.0"
source = { virtual = "." }
dependencies = [
    { name = "bar" },
    { name = "fngen" },
    { name = "six" },
]

[package.dev-dependencies]
dev = [
    { name = "no-such-tool-of-development" },
]

[package.metadata]
requires-dist = [
    { name = "bar", editable = "libs/bar" },
    { name = "fngen", path = "../elsewhere/fngen-0.0.1-py3-none-any.whl" },
    { name = "six" },
]

[[package]]
name = "six"
version = "1.16.0"
source = { registry = "https://pypi.org/simple" }
wheels = [
    { url = "https://files.pythonhosted.org/packages/d9/5a/e7c31adbe875f2abbb91bd84cf2dc52d792b5a01506781dbcf25c91daf11/six-1.16.0-py2.py3-none-any.whl", hash = "sha256:8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254", size = 11053 },
]
`

const shopProject = `[project]
name = "shop"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["bar", "fngen", "six"]

[tool.uv.sources]
bar = { path = "libs/bar", editable = true }
fngen = { path = "../elsewhere/fngen-0.0.1-py3-none-any.whl" }

[dependency-groups]
dev = ["no-such-tool-of-development"]
`

func shopTree(lock string) []agenttest.Entry {
	return []agenttest.Entry{
		{Name: "app.py"},
		{Name: "libs/bar/backend.py", Content: backend},
		{Name: "libs/bar/bar.py", Content: "x = 1\n"},
		{Name: "libs/bar/pyproject.toml", Content: barProject},
		{Name: "pyproject.toml", Content: shopProject},
		{Name: "uv.lock", Content: lock},
	}
}

// TestBuildLock installs what a uv.lock lists, and nothing that pyproject.toml
// would resolve to instead.
func TestBuildLock(t *testing.T) {
	t.Parallel()
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	installUV(t, m)
	p := testbed.Start(t, m.Agent(t, c, "build", c.Tree(t, shopTree(shopLock)...), "--layer=k5", "--file=uv.lock", "--copy-tree"))
	if code := p.Wait(t); code != 0 {
		t.Fatalf("exit code is %d; said %s", code, &p.Said)
	}
	checkInstalled(t, m, "k5", "bar-1.0.dist-info", "fngen-1.0.0.dist-info", "six-1.16.0.dist-info")
}

// TestBuildLockTampered changes a hash of the lock.
func TestBuildLockTampered(t *testing.T) {
	t.Parallel()
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	installUV(t, m)
	lock := strings.Replace(shopLock, "sha256:8abb", "sha256:9abb", 1)
	p := testbed.Start(t, m.Agent(t, c, "build", c.Tree(t, shopTree(lock)...), "--layer=k6", "--file=uv.lock", "--copy-tree"))
	if code := p.Wait(t); code != console.ExitRefused || !strings.Contains(p.Said.String(), "Hash mismatch for `six==1.16.0`") {
		t.Errorf("exit code is %d; said %s", code, &p.Said)
	}
}

// TestBuildOfTree installs a package of the tree that is asked for as editable. It
// is installed like any other, since another copy of the tree will serve.
func TestBuildOfTree(t *testing.T) {
	t.Parallel()
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	installUV(t, m)
	digest := c.Tree(t, append(shopTree(shopLock), agenttest.Entry{Name: "requirements.txt", Content: "-e ./libs/bar\n"})...)
	p := testbed.Start(t, m.Agent(t, c, "build", digest, "--layer=k7", "--file=requirements.txt", "--copy-tree"))
	if code := p.Wait(t); code != 0 {
		t.Fatalf("exit code is %d; said %s", code, &p.Said)
	}
	checkInstalled(t, m, "k7", "bar-1.0.dist-info", "fngen-1.0.0.dist-info")
	if _, err := os.Stat(m.Cache + "/700999/layers/k7/lib/python3.11/site-packages/bar.py"); err != nil {
		t.Errorf("the package is not in the layer: %v", err)
	}
}

// TestBuildHashes refuses a package that comes without a hash.
func TestBuildHashes(t *testing.T) {
	t.Parallel()
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	installUV(t, m)
	digest := c.Tree(t, agenttest.Entry{Name: "app.py"}, agenttest.Entry{Name: "requirements.txt", Content: "six==1.16.0\n"})
	p := testbed.Start(t, m.Agent(t, c, "build", digest, "--layer=k8", "--file=requirements.txt", "--require-hashes"))
	if code := p.Wait(t); code != console.ExitRefused || !strings.Contains(p.Said.String(), "hash") {
		t.Errorf("exit code is %d; said %s", code, &p.Said)
	}
}

// checkInstalled wants exactly these packages in a layer, and a tree that no build
// wrote to.
func checkInstalled(t *testing.T, m *testbed.Machine, layer string, want ...string) {
	t.Helper()
	found, err := filepath.Glob(m.Cache + "/700999/layers/" + layer + "/lib/python3.11/site-packages/*.dist-info")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, path := range found {
		got = append(got, filepath.Base(path))
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("installed %v, want %v", got, want)
	}
	err = filepath.WalkDir(m.Cache+"/700999/code", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "written-by-the-build" {
			t.Errorf("the build wrote %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
