package e2e

import (
	"testing"

	"fngen.dev/fngen/e2e/load"
)

// pushesUnderLoad is how often TestPushesUnderLoad pushes on each fleet; bench
// pushes a hundred times.
const pushesUnderLoad = 5

// fleets are those on which a push must not cost a request: where the old and the
// new instance are on one machine, and where a push is instances on three, each
// of which comes up in its own time.
var fleets = []struct{ name, config string }{
	{"one server", `servers:
  - {name: web, size: m, region: eu-central}
`},
	{"three servers", `servers:
  - {name: small, size: s, region: us-west}
  - {name: large, size: xl, region: us-west}
  - {name: far, size: m, region: eu-central}
`},
}

// TestPushesUnderLoad pushes again and again, each time as soon as the push before
// is done, and holds that of all that people do meanwhile - long answers, bodies,
// WebSockets - nothing fails.
func TestPushesUnderLoad(t *testing.T) {
	requireCluster(t)
	for _, fleet := range fleets {
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
				p.run(t, "push", p.name, ".")
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
