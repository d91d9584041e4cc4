//go:build linux

package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
	"fngen.dev/fngen/e2e/load"
)

// well are the health paths of n functions that come up.
func well(n int) []string { return slices.Repeat([]string{"/"}, n) }

// The tests of this file run alone: which functions come up together follows from the
// room that there is in that moment, and a project that is destroyed anywhere takes some
// of it for a second.

// TestTogether pushes eight functions at once, under load: new ones, a change of
// all, one that does not come up when the seven others have, and fewer. No request
// fails, and what fails leaves everything as it was.
func TestTogether(t *testing.T) {
	cluster.Require(t)
	p := newProject(t)
	p.Write(t, "requirements.txt", "fastapi\n")
	p.Write(t, "fngen.yml", e2etest.OnServers("xl", "us-west", 1))
	p.Write(t, "app.py", load.Several(1, well(8)...))
	p.talks(t, "8 of 8 are up")

	requests := []requests{p.load(t), p.loadAt(t, 4)}
	p.Write(t, "app.py", load.Several(2, well(8)...))
	p.talks(t, "8 of 8 are up")
	p.all(t, 8, 2)

	p.lastFails(t)
	p.all(t, 8, 2)
	if now := p.Running(t); len(now) != 8 {
		t.Errorf("%d instances run", len(now))
	}
	p.Write(t, "app.py", load.Several(2, well(8)...))
	p.Run(t, "plan", p.Name, ".", "--detailed-exitcode")

	p.Write(t, "app.py", load.Several(4, well(6)...))
	p.Run(t, "push", p.Name, ".")
	p.all(t, 6, 4)
	p.Run(t, "rollback", p.Name)
	p.all(t, 8, 2)
	for _, r := range requests {
		r.allow(t, 0)
	}
}

// lastFails pushes a change of eight functions, of which one is asked for its health
// when the seven others are up, and fails.
func (p project) lastFails(t *testing.T) {
	t.Helper()
	g := newGate(t, p)
	g.state.Store(shut)
	paths := well(8)
	paths[5] = "/nope"
	p.Write(t, "app.py", gated(load.Several(3, paths...), "f05"))
	out, err := cluster.Talk(p.Command("push", p.Name, "."), func(line string) {
		if strings.Contains(line, "7 of 8 are up") {
			g.state.Store(open)
		}
	})
	t.Logf("push:\n%s", out)
	if err == nil || g.state.Load() != open {
		t.Error("it was pushed, or failed before the others were up")
	}
	for _, words := range []string{"f05 did not come up: its health check fails: GET /nope answers 404", "release 2 keeps serving"} {
		if !strings.Contains(out, words) {
			t.Errorf("it does not say %q", words)
		}
	}
}

// TestTogetherTight pushes a change of ten functions to a server that has room for
// the new instances of about half of them at a time: how many depends on how much memory
// the old ones use. The plan says so, and no request fails, whether all come up or not.
func TestTogetherTight(t *testing.T) {
	cluster.Require(t)
	p := newProject(t)
	p.Write(t, "requirements.txt", "fastapi\n")
	p.Write(t, "fngen.yml", e2etest.OnServers("m", "us-east", 1))
	p.Write(t, "app.py", load.Several(1, well(10)...))
	p.Run(t, "push", p.Name, ".")
	cluster.Eventually(e2etest.Settle, func() bool { return len(p.Running(t)) == 10 })
	requests := []requests{p.load(t), p.loadAt(t, 9)}

	p.Write(t, "app.py", load.Several(2, well(10)...))
	plan := p.Run(t, "plan", p.Name, ".")
	if !strings.Contains(plan, "first, together:\n  ~ web-f00") || !strings.Contains(plan, "then, when there is room, together:\n") {
		t.Errorf("the plan is\n%s", plan)
	}
	p.talks(t, "making room for the next")
	p.all(t, 10, 2)

	paths := well(10)
	paths[8] = "/nope"
	p.Write(t, "app.py", load.Several(3, paths...))
	if out, _ := p.fails(t, "push", p.Name, "."); !strings.Contains(out, "f08 did not come up") {
		t.Errorf("the push says\n%s", out)
	}
	p.all(t, 10, 2)
	for _, r := range requests {
		r.allow(t, 0)
	}
}

// TestTogetherHeavy plans a change of functions that use more memory than they
// reserve. Old and new ones of all of them would fit by what they reserve, and be
// killed for what they use.
func TestTogetherHeavy(t *testing.T) {
	cluster.Require(t)
	p := newProject(t)
	p.Write(t, "requirements.txt", "fastapi\n")
	p.Write(t, "fngen.yml", e2etest.OnServers("m", "us-east", 1))
	p.Write(t, "app.py", load.Several(1, well(3)...))
	p.Run(t, "push", p.Name, ".")
	plan := func() string { return p.Run(t, "plan", p.Name, ".") }
	p.Write(t, "app.py", "hoard = b'x' * (400 << 20)\n"+load.Several(2, well(3)...))
	if text := plan(); strings.Contains(text, "when there is room") {
		t.Errorf("before they use it the plan is\n%s", text)
	}
	p.Run(t, "push", p.Name, ".")
	p.Write(t, "app.py", load.Several(3, well(3)...))
	inWaves := func() bool {
		return strings.Contains(plan(), "  first:\n  ~ web-f00") && strings.Count(plan(), "  then, when there is room:\n") == 2
	}
	if !e2etest.Eventually(inWaves) {
		t.Errorf("the plan is\n%s", plan())
	}
}

// talks pushes, and holds that the push says certain words.
func (p project) talks(t *testing.T, words string) {
	t.Helper()
	begin := time.Now()
	out, err := p.Command("push", p.Name, ".").CombinedOutput()
	t.Logf("push, %s:\n%s", time.Since(begin).Round(time.Millisecond), out)
	if err != nil || !strings.Contains(string(out), words) {
		t.Fatalf("push: %v; it says %q: %t", err, words, strings.Contains(string(out), words))
	}
}

// loadAt sends requests to one of several functions.
func (p project) loadAt(t *testing.T, function int) requests {
	t.Helper()
	target, err := loaded(fmt.Sprintf("f%02d--%s", function, p.Name))
	check(t, err)
	return requests{load.Start(t.Context(), target, load.Pages("/")...)}
}

// all holds that n functions answer, each as a version of load.Several.
func (p project) all(t *testing.T, n, version int) {
	t.Helper()
	for i := range n {
		url := cluster.URL(fmt.Sprintf("f%02d--%s", i, p.Name)) + "/"
		if got, want := body(t, url), fmt.Sprintf(`{"version":%d,"function":%d}`, version, i); got != want {
			t.Errorf("%s answers %s, not %s", url, got, want)
		}
	}
	if out := p.Run(t, "status", p.Name); strings.Count(out, "\n") != n {
		t.Errorf("not %d instances:\n%s", n, out)
	}
}

func body(t *testing.T, url string) string {
	t.Helper()
	resp, err := e2etest.Router(t).Get(url)
	check(t, err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return resp.Status
	}
	out := make([]byte, 200)
	n, _ := resp.Body.Read(out)
	return string(out[:n])
}
