package agent

import (
	"os"
	"os/exec"
	"testing"
)

func TestPurge(t *testing.T) {
	c := newControlPlane(t)
	m := newMachine(t, c)
	m.write(t, m.cache+"/700999/code/x/b.py", "", 0o640)
	m.write(t, m.cache+"/700998/code/x/b.py", "", 0o640)
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
