package compare

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/api"
)

// TestQueues holds what becomes of the queue of each task worker.
func TestQueues(t *testing.T) {
	worker := func(name string) ir.Function {
		return ir.Function{Name: name, Power: ir.PowerTaskWorker, TaskWorker: &ir.TaskWorker{}}
	}
	site := ir.Function{Name: "site", Power: ir.PowerWebApp, WebApp: &ir.WebApp{}}
	project := func(functions ...ir.Function) *ir.Project { return &ir.Project{Name: "shop", Functions: functions} }
	for _, test := range []struct {
		name     string
		old, now *ir.Project
		want     []api.PlannedQueue
	}{
		{"no workers", project(site), project(site), []api.PlannedQueue{}},
		{"nothing is live", nil, project(worker("mail"), site), []api.PlannedQueue{{Name: "fn.shop.mail", Action: api.Create}}},
		{"one goes, one stays, one comes", project(worker("bill"), worker("mail")), project(worker("mail"), worker("sms")), []api.PlannedQueue{
			{Name: "fn.shop.bill", Action: api.Remove}, {Name: "fn.shop.mail", Action: api.None}, {Name: "fn.shop.sms", Action: api.Create},
		}},
	} {
		p := Projects{Old: test.old, New: test.now}
		if diff := cmp.Diff(test.want, p.Queues()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}
