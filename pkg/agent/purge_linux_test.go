package agent

import (
	"os"
	"os/exec"
	"testing"

	"fngen.dev/fngen/pkg/agent/testbed"
)

func TestPurge(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	m.Write(t, m.Cache+"/700999/code/x/b.py", "", 0o640)
	m.Write(t, m.Cache+"/700998/code/x/b.py", "", 0o640)
	for range 2 { // the second finds nothing, which is right too
		out, err := exec.Command(testbed.AgentBinary(t), "purge", "--uid=700999", "--cache="+m.Cache).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	left, err := os.ReadDir(m.Cache)
	if err != nil || len(left) != 1 || left[0].Name() != "700998" {
		t.Errorf("left %v (%v)", left, err)
	}
}
