package agent

import (
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/agent/testbed"
)

// TestServeFillsDisk ends a function that writes more than its server has, with the
// reason, and starts it again only when what stays has room.
func TestServeFillsDisk(t *testing.T) {
	modes(t, func(t *testing.T, flags ...string) {
		c := testbed.NewControlPlane(t)
		m := testbed.NewMachine(t, c)
		m.Boot(t, `
import os, signal
os.mkdir("closed")
for name in "one", "two":  # each smaller than all that it may have
    with open("closed/" + name, "w") as f:
        os.posix_fallocate(f.fileno(), 0, 550_000_000)
os.chmod("closed", 0)
print("written", flush=True)
signal.pause()
`)
		digest := c.Tree(t, agenttest.Entry{Name: "app.py"})
		p := testbed.Start(t, m.Agent(t, c, "serve", digest, append(flags, "--function=live_app", "--file=app.py", "--disk=1")...))
		p.Line(t)
		code, said := p.Wait(t), p.Said.String()
		if code != 137 || !strings.Contains(said, "it has more on the disk than the 1 GB that its server has, and is ended\n") {
			t.Errorf("exit code is %d; said %s", code, said)
		}
	})
}
