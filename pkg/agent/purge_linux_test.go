package agent

import (
	"io"
	"os"
	"os/exec"
	"testing"

	"fngen.dev/fngen/pkg/agent/agenttest"
)

func TestPurge(t *testing.T) {
	c := newControlPlane(t)
	m := newMachine(t, c)
	f := m.fetcher(t, c, io.Discard)
	_, lock, err := f.tree(t.Context(), treeTarget(c.tree(t, agenttest.Entry{Name: "a/b.py"})))
	if err != nil {
		t.Fatal(err)
	}
	lock.Close()
	if _, err := openCache(m.cache, testUID-1, f.log); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds nothing, which is right too
		out, err := exec.Command(agentBinary(t), "purge", "--uid=700999", "--cache="+m.cache).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	left, err := os.ReadDir(m.cache)
	if err != nil || len(left) != 1 || left[0].Name() != "700998" {
		t.Errorf("left %v (%v)", left, err)
	}
}
