//go:build linux

package e2e

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"
)

// TestFleetChanges pushes changes of fngen.yml under load: another size, another
// region, more servers, fewer. No request fails, what runs afterwards is on servers
// of the new kind only, and nothing ever was on any other.
func TestFleetChanges(t *testing.T) {
	requireCluster(t)
	p := newProject(t)
	p.write(t, "app.py", fmt.Sprintf(slowApp, "one", 0))
	p.write(t, "fngen.yml", onServers("s", "us-west", 1))
	p.run(t, "push", p.name, ".")
	load := p.load(t)
	for _, step := range []struct {
		size, region string
		count        int
	}{
		{"xl", "us-west", 1},
		{"m", "eu-central", 1},
		{"s", "us-west", 1},
		{"s", "us-west", 2},
		{"s", "us-west", 1},
	} {
		p.write(t, "fngen.yml", onServers(step.size, step.region, step.count))
		failed := load.failed.Load()
		p.run(t, "push", p.name, ".")
		name := fmt.Sprintf("%d of %s in %s", step.count, step.size, step.region)
		if n := load.failed.Load() - failed; n > 0 {
			t.Errorf("%s: %d requests failed", name, n)
		}
		now := p.running(t)
		if len(now) != step.count {
			t.Errorf("%s: %d run", name, len(now))
		}
		for _, a := range now {
			node := nodeOf(t, a)
			if node.NodeClass != step.size || node.Datacenter != step.region {
				t.Errorf("%s: one runs on %s (%s, %s)", name, node.Name, node.NodeClass, node.Datacenter)
			}
		}
	}
	load.allow(t, 0)
	p.onlyOn(t, "s", "us-west", "xl", "us-west", "m", "eu-central")
}

func nodeOf(t *testing.T, a *nomad.AllocationListStub) *nomad.Node {
	t.Helper()
	node, _, err := nomadClient(t).Nodes().Info(a.NodeID, nil)
	if err != nil {
		t.Fatal(err)
	}
	return node
}

// TestTwoPushes pushes two changes of a project at once. One becomes live; the
// other is refused and told who is at it.
func TestTwoPushes(t *testing.T) {
	requireCluster(t)
	p := newProject(t)
	p.write(t, "app.py", fmt.Sprintf(slowApp, "one", 0))
	p.write(t, "fngen.yml", onServers("xl", "us-west", 1))
	p.run(t, "push", p.name, ".")
	load := p.load(t)

	other := p
	other.dir, other.home = t.TempDir(), t.TempDir()
	other.write(t, "fngen.yml", onServers("xl", "us-west", 1))
	type outcome struct {
		text string
		code int
	}
	outcomes := make(chan outcome, 2)
	for i, project := range []project{p, other} {
		project.write(t, "app.py", fmt.Sprintf(slowApp, fmt.Sprint("two ", i), 3))
		go func() {
			cmd := project.command("push", project.name, ".")
			out, _ := cmd.CombinedOutput()
			outcomes <- outcome{string(out), cmd.ProcessState.ExitCode()}
		}()
	}
	lost, won := <-outcomes, <-outcomes
	if won.code != 0 || lost.code != 1 {
		t.Fatalf("exit codes %d and %d\n%s\n%s", won.code, lost.code, won.text, lost.text)
	}
	if !regexp.MustCompile(`is busy with a push by \S+@\S+`).MatchString(lost.text) || strings.Contains(lost.text, "rollout:") {
		t.Errorf("the one that lost says\n%s", lost.text)
	}
	if releases := p.run(t, "releases", p.name); strings.Count(releases, "\n") != 2 || !strings.HasPrefix(releases, "2\tlive\t") {
		t.Errorf("the history is\n%s", releases)
	}
	load.allow(t, 0)
}

// TestPushesThatFail pushes versions that cannot come up. Each push ends as soon as
// that is certain, says why, and the release before serves on.
func TestPushesThatFail(t *testing.T) {
	requireCluster(t)
	p := newProject(t)
	good := fmt.Sprintf(slowApp, "one", 0)
	p.write(t, "app.py", good)
	p.write(t, "fngen.yml", onServers("s", "us-west", 1))
	p.run(t, "push", p.name, ".")
	was := ids(p.running(t))
	load := p.load(t)
	for _, c := range []struct {
		name, code, fleet string
		limit             time.Duration
		says              []string
	}{
		{"crash at import", strings.Replace(good, "app = ", `app = {}["gone"] or `, 1), onServers("s", "us-west", 1), 15 * time.Second,
			[]string{"KeyError: 'gone'", "exited with code 1", "release 1 keeps serving"}},
		{"exit with code 0", strings.Replace(good, "app = ", "import os\n\nos._exit(0)\napp = ", 1), onServers("s", "us-west", 1), 15 * time.Second,
			[]string{"release 1 keeps serving"}},
		{"out of memory", strings.Replace(good, "app = ", "hoard = [bytearray(10**8) for _ in range(100)]\napp = ", 1), onServers("s", "us-west", 1), 30 * time.Second,
			[]string{"memory", "release 1 keeps serving"}},
		{"no room", good, onServers("s", "us-west", 50), 15 * time.Second,
			[]string{"no room for live_app", "choose a smaller size"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.write(t, "app.py", c.code)
			p.write(t, "fngen.yml", c.fleet)
			begin := time.Now()
			out, code := p.fails(t, "push", p.name, ".")
			t.Logf("exit code %d after %s:\n%s", code, time.Since(begin).Round(time.Millisecond), out)
			if code != 1 || time.Since(begin) > c.limit {
				t.Errorf("exit code %d after %s", code, time.Since(begin))
			}
			for _, words := range c.says {
				if !strings.Contains(out, words) {
					t.Errorf("it does not say %q", words)
				}
			}
			if now := ids(p.running(t)); !slices.Equal(was, now) {
				t.Errorf("%v run, before it was %v", now, was)
			}
		})
	}
	load.allow(t, 0)
}

// fails runs a command that is to fail, and returns all that it printed and how it
// ended.
func (p project) fails(t *testing.T, args ...string) (string, int) {
	t.Helper()
	cmd := p.command(args...)
	out, err := cmd.CombinedOutput()
	if _, failed := err.(*exec.ExitError); !failed {
		t.Fatalf("fngen %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), cmd.ProcessState.ExitCode()
}
