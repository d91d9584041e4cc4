//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"fngen.dev/fngen/e2e/e2etest"
)

// atGate are the first lines of a function that comes up when its gate is open, and
// raises when that is broken. It reaches nothing of the test's, which works on the
// files of its home instead.
const atGate = `    import os
    import time
    mine = os.path.join(os.environ["HOME"], "gate-" + os.environ["FNGEN_PROJECT"])
    open(mine + "-waits", "w").close()
    while not os.path.exists(mine + "-says"):
        time.sleep(0.05)
    if open(mine + "-says").read() != "open":
        raise RuntimeError("the gate is broken")
`

// gatedApp waits at its gate.
const gatedApp = `from fastapi import FastAPI

from fngen.powers import webapp

app = FastAPI()


@app.get("/")
def index():
    return {}


@webapp(framework="fastapi")
def live_app():
` + atGate + `    return app
`

// gate lets instances of a project start, wait, or fail.
type gate struct {
	// homes finds the sign of each instance that waits or has waited.
	homes   string
	state   atomic.Int32
	waiting atomic.Bool // somebody has waited while it was shut
}

const (
	open int32 = iota
	shut
	broken
)

// newGate opens a gate for a project.
func newGate(t *testing.T, p project) *gate {
	t.Helper()
	g := &gate{homes: "../.dev/data/nodes/*/nomad/alloc/*/app/local/gate-" + p.Name + "-waits"}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.NewTicker(50 * time.Millisecond); ; {
			select {
			case <-done:
				return
			case <-tick.C:
				g.tell()
			}
		}
	}()
	t.Cleanup(func() { close(done); <-ended })
	return g
}

// tell tells those who wait.
func (g *gate) tell() {
	waits, _ := filepath.Glob(g.homes) // the pattern is good
	for _, sign := range waits {
		says := sign[:len(sign)-len("waits")] + "says"
		if _, err := os.Lstat(says); err == nil {
			continue
		}
		text := "open"
		switch g.state.Load() {
		case shut:
			g.waiting.Store(true)
			continue
		case broken:
			text = "broken"
		}
		// At once with what it says. An instance that has gone takes its home along.
		if os.WriteFile(says+".new", []byte(text), 0o644) == nil {
			_ = os.Rename(says+".new", says)
		}
	}
}

// drainShut drains a server, and returns while the instance that is started
// elsewhere waits.
func (g *gate) drainShut(t *testing.T, node string) {
	t.Helper()
	g.waiting.Store(false)
	g.state.Store(shut)
	drain(t, node)
	if !e2etest.Eventually(g.waiting.Load) {
		t.Fatal("no other instance is started")
	}
}
