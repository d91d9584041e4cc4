//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
)

// TestBadVersions pushes versions that cannot come up, then two changes at once: all
// under load, and no request fails.
func TestBadVersions(t *testing.T) {
	cluster.Require(t)
	e2etest.Beside(t, "m")
	p := newProject(t)
	p.Write(t, "app.py", fmt.Sprintf(e2etest.SlowApp, "one", 0))
	p.Write(t, "fngen.yml", e2etest.OnServers("m", "eu-central", 1))
	p.Run(t, "push", p.Name, ".")
	for _, v := range badVersions() {
		t.Run(v.name, func(t *testing.T) { v.push(t, p) })
	}
	t.Run("two at once", func(t *testing.T) { twoPushes(t, p) })
}

// badVersion is a version that cannot come up, whether that is ever certain, and what
// a push of it says.
type badVersion struct {
	name, code, fleet string
	certain           bool
	says              []string
}

func badVersions() []badVersion {
	good, one := fmt.Sprintf(e2etest.SlowApp, "one", 0), e2etest.OnServers("m", "eu-central", 1)
	return []badVersion{
		{
			"crash at import", strings.Replace(good, "app = ", `app = {}["gone"] or `, 1), one, true,
			[]string{"error[FN2101]: KeyError: 'gone'", "live_app did not come up: KeyError: 'gone' (app.py:", "keeps serving"},
		},
		{
			"exit with code 0", strings.Replace(good, "app = ", "import os\n\nos._exit(0)\napp = ", 1), one, true,
			[]string{"exit code 0", "keeps serving"},
		},
		{
			"out of memory", strings.Replace(good, "app = ", "hoard = [bytearray(10**8) for _ in range(100)]\napp = ", 1), one, true,
			[]string{"more memory than its server has and was killed (web is of size m, with ", "keeps serving"},
		},
		{
			"ended by a signal", strings.Replace(good, "app = ", "import os\n\nos.kill(os.getpid(), 11)\napp = ", 1), one, true,
			[]string{"it was ended by SIGSEGV", "a crash in code that is not Python", "keeps serving"},
		},
		{
			"same exception behind 500", strings.Replace(good, "    return {", "    return 1 / 0 or {", 1), one, true,
			[]string{"health | GET /: 500 Internal Server Error", "error[FN2105]: ZeroDivisionError: division by zero", "the same for 15 s", "keeps serving"},
		},
		{
			"health path not there", strings.Replace(good, `"fastapi"`, `"fastapi", health="/healthz"`, 1), one, true,
			[]string{"health | GET /healthz: 404 Not Found", "its health check fails: GET /healthz answers 404 Not Found", "keeps serving"},
		},
		{
			"no room", good, e2etest.OnServers("m", "eu-central", 50), true,
			[]string{"no room for live_app", "Choose another size or region"},
		},
	}
}

// push pushes the version under load: no request fails.
func (v badVersion) push(t *testing.T, p project) {
	requests := p.load(t)
	v.refused(t, p)
	requests.allow(t, 0)
}

// refused pushes the version. The push ends as soon as it is certain that it does not
// come up, or when an instance has had its time; it says why, and what ran before
// serves on.
func (v badVersion) refused(t *testing.T, p project) {
	was, begun := e2etest.IDs(p.Running(t)), len(p.Allocations(t))
	p.Write(t, "app.py", v.code)
	p.Write(t, "fngen.yml", v.fleet)
	begin := time.Now()
	out, code := p.fails(t, "push", p.Name, ".")
	t.Logf("exit code %d after %s:\n%s", code, time.Since(begin).Round(time.Millisecond), out)
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	// Of a first version nothing is left to look at.
	if tried := p.Allocations(t)[begun:]; len(was) > 0 && slices.ContainsFunc(tried, hadItsTime) == v.certain {
		t.Errorf("an instance had all its time: %t", !v.certain)
	}
	for _, words := range v.says {
		if !strings.Contains(out, words) {
			t.Errorf("it does not say %q", words)
		}
	}
	if now := e2etest.IDs(p.Running(t)); !slices.Equal(was, now) {
		t.Errorf("%v run, before it was %v", now, was)
	}
	if now := p.Answering(t); !slices.Equal(was, now) {
		t.Errorf("%v answer, before it was %v", now, was)
	}
}

// hadItsTime says that Nomad has given up an instance, after two minutes, that was not
// healthy by then.
func hadItsTime(a *nomad.AllocationListStub) bool {
	return slices.ContainsFunc(a.TaskStates["app"].Events, func(e *nomad.TaskEvent) bool { return strings.Contains(e.DisplayMessage, "deadline") })
}

// TestNotCertain pushes versions of which it is never certain that they do not come
// up: a database may be on its way. The pushes end at the limit, 2 min.
func TestNotCertain(t *testing.T) {
	cluster.Require(t)
	t.Parallel()
	good := fmt.Sprintf(e2etest.SlowApp, "one", 0)
	t.Run("health path answers 503", func(t *testing.T) {
		e2etest.Beside(t, "xl")
		p := newProject(t)
		fleet := e2etest.OnServers("xl", "us-west", 1)
		p.Write(t, "app.py", good)
		p.Write(t, "fngen.yml", fleet)
		p.Run(t, "push", p.Name, ".")
		badVersion{
			"", strings.Replace(good, "    return {", "    return __import__('fastapi').Response(status_code=503) or {", 1), fleet, false,
			[]string{"health | GET /: 503 Service Unavailable", "its health check fails: GET / answers 503", "keeps serving"},
		}.refused(t, p)
	})
	// The first version of all, since there is room for one instance only.
	t.Run("port never opened", func(t *testing.T) {
		e2etest.Beside(t, "spare")
		badVersion{
			"", fmt.Sprintf(e2etest.SlowApp, "one", 3600), e2etest.OnServers("s", "us-west", 1), false,
			[]string{"error[FN2106]: live_app does not listen: it was still here when time was up", "    time.sleep(3600)\n", "nothing of this project runs"},
		}.refused(t, newProject(t))
	})
}

// twoPushes pushes two changes of a project at once. One waits at its gate, until the
// other was refused and told who is at it; then it becomes live.
func twoPushes(t *testing.T, p project) {
	requests := p.load(t)
	before := strings.Count(p.Run(t, "releases", p.Name), "\n")
	g := newGate(t, p)
	g.state.Store(shut)

	other := p
	other.Dir, other.Home = t.TempDir(), t.TempDir()
	type outcome struct {
		text string
		code int
	}
	outcomes := make(chan outcome, 2)
	for i, project := range []project{p, other} {
		project.Write(t, "fngen.yml", e2etest.OnServers("m", "eu-central", 1))
		project.Write(t, "app.py", gatedApp+fmt.Sprintf("\n# two %d\n", i))
		go func() {
			cmd := project.Command("push", project.Name, ".")
			out, _ := cmd.CombinedOutput()
			outcomes <- outcome{string(out), cmd.ProcessState.ExitCode()}
		}()
	}
	lost := <-outcomes
	g.state.Store(open)
	won := <-outcomes
	if won.code != 0 || lost.code != 1 {
		t.Fatalf("exit codes %d and %d\n%s\n%s", won.code, lost.code, won.text, lost.text)
	}
	if !regexp.MustCompile(`is busy with a push by \S+@\S+`).MatchString(lost.text) || strings.Contains(lost.text, "rollout:") {
		t.Errorf("the one that lost says\n%s", lost.text)
	}
	if releases := p.Run(t, "releases", p.Name); strings.Count(releases, "\n") != before+1 || !strings.HasPrefix(releases, fmt.Sprintf("%d\tlive\t", before+1)) {
		t.Errorf("the history is\n%s", releases)
	}
	requests.allow(t, 0)
}

// fails runs a command that is to fail, and returns all that it printed and how it
// ended.
func (p project) fails(t *testing.T, args ...string) (string, int) {
	t.Helper()
	cmd := p.Command(args...)
	out, err := cmd.CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); !failed {
		t.Fatalf("fngen %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), cmd.ProcessState.ExitCode()
}
