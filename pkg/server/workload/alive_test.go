package workload

import (
	"testing"
	"time"

	"fngen.dev/fngen/pkg/server/workload/workloadtest"
)

// TestAllocationIsAskedAboutOnce holds how long an answer is believed.
func TestAllocationIsAskedAboutOnce(t *testing.T) {
	n := workloadtest.New(t)
	now := time.Now()
	a := newAlive(n)
	a.now = func() time.Time { return now }
	who := Identity{Namespace: "shop", JobID: "web-a", Allocation: workloadtest.AllocationOf("shop", "web-a")}
	for range 3 {
		if alive, known, err := a.ask(t.Context(), who); !alive || !known || err != nil {
			t.Fatalf("%t, %t, %v", alive, known, err)
		}
	}
	if n.About() != 1 {
		t.Errorf("asked %d times", n.About())
	}
	n.End(who.Allocation)
	now = now.Add(aliveAge)
	if alive, known, _ := a.ask(t.Context(), who); alive || !known {
		t.Errorf("after it ended: %t, %t", alive, known)
	}
	n.Broken.Store(true)
	now = now.Add(aliveAge)
	if _, known, err := a.ask(t.Context(), who); known || err == nil {
		t.Errorf("while Nomad is away: %t, %v", known, err)
	}
}
