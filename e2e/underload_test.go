package e2e

import (
	"testing"
	"time"

	"fngen.dev/fngen/e2e/load"
)

// pushesUnderLoad is how often TestPushesUnderLoad pushes on each fleet; bench
// pushes a hundred times.
const pushesUnderLoad = 5

// TestPushesUnderLoad pushes again and again, each time as soon as the push before
// is done, and holds that of all that people do meanwhile - long answers, bodies,
// WebSockets - nothing fails.
func TestPushesUnderLoad(t *testing.T) {
	requireCluster(t)
	for _, fleet := range []struct{ name, config string }{{"one server", load.OneServer}, {"three servers", load.ThreeServers}} {
		t.Run(fleet.name, func(t *testing.T) {
			p := newProject(t)
			p.write(t, "requirements.txt", "fastapi\n")
			p.write(t, "fngen.yml", fleet.config)
			p.write(t, "app.py", load.App(0))
			p.run(t, "push", p.name, ".")
			target, err := loaded(p.name)
			if err != nil {
				t.Fatal(err)
			}
			requests := load.Start(t.Context(), target, load.Everything()...)
			for i := range pushesUnderLoad {
				p.write(t, "app.py", load.App(i+1))
				begin := time.Now()
				p.run(t, "push", p.name, ".")
				t.Logf("push %d took %.1f s", i+1, time.Since(begin).Seconds())
			}
			report := requests.Stop()
			if report.Failed() > 0 {
				t.Errorf("%d of %d requests failed", report.Failed(), report.Sent())
			}
			for _, k := range report.Kinds {
				if k.Sent < pushesUnderLoad {
					t.Errorf("%s: only %d requests", k.Kind, k.Sent)
				}
			}
			if len(report.Releases) != pushesUnderLoad+1 {
				t.Errorf("%d releases answered, not %d", len(report.Releases), pushesUnderLoad+1)
			}
			t.Logf("\n%s", report)
		})
	}
}
