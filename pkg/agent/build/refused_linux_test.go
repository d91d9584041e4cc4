package build

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"

	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/agent/archive"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/testbed"
)

func TestBuildRefused(t *testing.T) {
	t.Parallel()
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	installUV(t, m)
	digest := c.Tree(t, agenttest.Entry{Name: "requirements.txt", Content: "six==99.99\n"}, agenttest.Entry{Name: "app.py"})
	p := testbed.Start(t, m.Agent(t, c, "build", digest, "--layer=k2", "--file=requirements.txt"))
	code, said := p.Wait(t), strings.TrimSpace(p.Said.String())
	last := said[strings.LastIndex(said, "\n")+1:]
	if code != console.ExitRefused || !strings.Contains(said, "there is no version of six==99.99") ||
		last != "fngen-agent: build failed: the requirements cannot be installed" {
		t.Errorf("exit code is %d; said %s", code, said)
	}
	if _, err := os.Stat(m.Cache + "/700999/layers/k2"); !os.IsNotExist(err) {
		t.Errorf("half a layer was left: %v", err)
	}
	if c.What("/v1/agent/layers/k2") != nil {
		t.Error("something was stored")
	}
}

// ghost is the setup.py of a package that leaves a process behind, which goes on
// writing to the layer.
const ghost = `
import glob, os, time
from setuptools import setup

layer = glob.glob(os.path.dirname(os.environ["HOME"]) + "/cache/700999/layers/*")[0]
if os.fork() == 0:
    os.setsid()
    for fd in range(3):
        os.dup2(os.open("/dev/null", os.O_RDWR), fd)
    beat = open(layer + "/beat", "ab", buffering=0)
    while True:
        beat.write(b"x")
        time.sleep(0.0005)
setup(name="ghost", version="1.0", py_modules=[])
`

// TestBuildEndsLeftovers builds in a process namespace, as Nomad does, where
// nothing of a build may outlive uv.
func TestBuildEndsLeftovers(t *testing.T) {
	t.Parallel()
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	installUV(t, m)
	m.Write(t, m.Node+"/wheels/ghost-1.0.tar.gz", sourceDistribution(t, "ghost", ghost), 0o644)
	cmd := m.Agent(t, c, "build", c.Tree(t, agenttest.Entry{Name: "app.py"}), "--layer=k3", "--provided=ghost==1.0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	p := testbed.Start(t, cmd)
	if code := p.Wait(t); code != 0 {
		t.Fatalf("exit code is %d; said %s", code, &p.Said)
	}
	root := agenttest.OpenTemp(t)
	if err := archive.ExtractLayer(root, -1, m.Node, bytes.NewReader(c.What("/v1/agent/layers/k3"))); err != nil {
		t.Fatal(err)
	}
	stored, err := root.Stat("beat")
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := os.Stat(m.Cache + "/700999/layers/k3/beat"); err != nil || kept.Size() != stored.Size() {
		t.Errorf("the layer grew after it was stored: %d bytes, now %d (%v)", stored.Size(), kept.Size(), err)
	}
}
