package rollout

import (
	"testing"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/deploy/power"
)

// TestNobodyAsksWithoutHosts holds that a function to which the router does not lead
// is ready when Nomad says so: this change has no router that could be asked.
func TestNobodyAsksWithoutHosts(t *testing.T) {
	f := ir.Function{Name: "resize", Power: ir.PowerTaskWorker, TaskWorker: &ir.TaskWorker{}}
	has := power.Of(f)
	if has.OwnHost() != "" || has.FirstHost() != "" {
		t.Errorf("it has hosts: %+v", has)
	}
	if err := new(Rollout).Answers(t.Context(), f, has.OwnHost(), []string{"allocation"}); err != nil {
		t.Error(err)
	}
}
