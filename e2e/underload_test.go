package e2e

import (
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/e2e/load"
)

// pushesUnderLoad is how often TestPushesUnderLoad pushes to each fleet; bench
// pushes a hundred times.
const pushesUnderLoad = 2

// TestPushesUnderLoad pushes again and again, each time as soon as the push before
// is done: to one server, to three in its place, and back, with a push in between
// that fails. It holds that of all that people do meanwhile - long answers,
// bodies, WebSockets - nothing fails.
func TestPushesUnderLoad(t *testing.T) {
	requireCluster(t)
	p := newProject(t)
	p.write(t, "requirements.txt", "fastapi\n")
	p.write(t, "fngen.yml", load.OneServer)
	p.write(t, "app.py", load.App(1))
	p.run(t, "push", p.name, ".")
	target, err := loaded(p.name)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	requests := load.Start(t.Context(), target, load.Everything()...)
	releases := 1
	push := func() {
		releases++
		p.write(t, "app.py", load.App(releases))
		at := time.Since(began)
		p.run(t, "push", p.name, ".")
		t.Logf("release %d: pushed from %.1f s to %.1f s", releases, at.Seconds(), time.Since(began).Seconds())
	}
	for range pushesUnderLoad {
		push()
	}
	p.write(t, "fngen.yml", load.ThreeServers)
	for range pushesUnderLoad {
		push()
	}
	if out := p.run(t, "status", p.name); strings.Count(out, "\n") != 3 {
		t.Errorf("not three servers:\n%s", out)
	}

	p.write(t, "fngen.yml", load.OneServer)
	p.write(t, "app.py", "raise SystemExit\n"+load.App(0))
	at := time.Since(began)
	if out, err := p.command("push", p.name, ".").CombinedOutput(); err == nil {
		t.Errorf("an app that ends at once was pushed:\n%s", out)
	}
	t.Logf("failed push from %.1f s to %.1f s", at.Seconds(), time.Since(began).Seconds())
	if out := p.run(t, "status", p.name); strings.Count(out, "\n") != 3 {
		t.Errorf("after a failed push not the three servers from before:\n%s", out)
	}
	served := releases
	releases++ // it has a number too
	push()
	served++
	if out := p.run(t, "status", p.name); strings.Count(out, "\n") != 1 {
		t.Errorf("not one server:\n%s", out)
	}

	report := requests.Stop()
	t.Logf("\n%s", report)
	if report.Failed() > 0 {
		t.Errorf("%d of %d requests failed", report.Failed(), report.Sent())
	}
	for _, k := range report.Kinds {
		if k.Sent < pushesUnderLoad {
			t.Errorf("%s: only %d requests", k.Kind, k.Sent)
		}
	}
	if len(report.Releases) != served {
		t.Errorf("%d releases answered, not %d", len(report.Releases), served)
	}
}
