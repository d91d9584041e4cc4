package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/e2e/load"
	"fngen.dev/fngen/pkg/api"
)

// slowApp starts so slowly that there is time to kill what waits for it.
const slowApp = `import time

from fastapi import FastAPI

from fngen.powers import webapp

app = FastAPI()


@app.get("/")
def index():
    return {"say": "version %s"}


@webapp(framework="fastapi")
def live_app():
    time.sleep(%d)
    return app
`

// TestInterruptedPush kills the control plane in the middle of a rollout. The
// next one puts back what was live, nobody's request fails meanwhile, and the
// history says what happened.
func TestInterruptedPush(t *testing.T) {
	requireCluster(t)
	p := newProject(t)
	p.write(t, "app.py", fmt.Sprintf(slowApp, "one", 0))
	p.run(t, "push", p.name, ".")
	target, err := loaded(p.name)
	if err != nil {
		t.Fatal(err)
	}
	requests := load.Start(t.Context(), target, load.Pages("/")...)

	p.write(t, "app.py", fmt.Sprintf(slowApp, "two", 20))
	p.pushInterrupted(t, "starting live_app")
	p.undone(t)
	if out := p.run(t, "status", p.name); strings.Count(out, "\n") != 1 || !strings.HasSuffix(out, "\t1\n") {
		t.Errorf("what runs is not release 1 alone:\n%s", out)
	}
	p.write(t, "app.py", fmt.Sprintf(slowApp, "three", 0))
	p.run(t, "push", p.name, ".")
	if report := requests.Stop(); report.Failed() > 0 || report.Sent() < 100 {
		t.Errorf("%d of %d requests failed:\n%s", report.Failed(), report.Sent(), report)
	}
}

// TestInterruptedCommand kills the control plane while a release command runs. The
// next one stops the command, which nobody waits for any more.
func TestInterruptedCommand(t *testing.T) {
	requireCluster(t)
	p := newProject(t)
	p.write(t, "app.py", fmt.Sprintf(slowApp, "one", 0))
	p.run(t, "push", p.name, ".")
	p.write(t, "fngen.yml", "functions:\n  live_app: {release: echo begun; sleep 600}\n")
	p.pushInterrupted(t, "| begun")
	p.undone(t)
	client, err := nomad.NewClient(nomad.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	jobs, _, err := client.Jobs().List(&nomad.QueryOptions{Namespace: p.name})
	if err != nil {
		t.Fatal(err)
	}
	for _, job := range jobs {
		if job.ID != "web-live_app" {
			t.Errorf("the job %s was left, %s", job.ID, job.Status)
		}
	}
	p.write(t, "fngen.yml", "functions:\n  live_app: {release: echo begun}\n")
	p.run(t, "push", p.name, ".")
}

// pushInterrupted pushes, and kills the control plane when a line with a mark is
// said.
func (p project) pushInterrupted(t *testing.T, mark string) {
	t.Helper()
	push := p.command("push", p.name, ".")
	stderr, err := push.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := push.Start(); err != nil {
		t.Fatal(err)
	}
	var talk strings.Builder
	lines := bufio.NewScanner(stderr)
	for killed := false; lines.Scan(); {
		talk.WriteString(lines.Text() + "\n")
		if !killed && strings.Contains(lines.Text(), mark) {
			killFngend(t)
			killed = true
		}
	}
	if err := push.Wait(); err == nil || !strings.Contains(talk.String(), "fngen status") {
		t.Fatalf("a push that lost its control plane: %v\n%s", err, talk.String())
	}
}

// undone waits until release 2 has failed and release 1 is live.
func (p project) undone(t *testing.T) {
	t.Helper()
	undone := func() bool {
		var releases []api.Release
		out, err := p.command("releases", p.name, "--json").Output()
		return err == nil && json.Unmarshal(out, &releases) == nil && len(releases) == 2 && releases[0].State == "failed" && releases[1].State == "live"
	}
	// The lock of the one that died runs out within 20 s.
	if !within(time.Minute, undone) {
		t.Fatalf("the interrupted release was not undone:\n%s", p.run(t, "releases", p.name))
	}
}

// project is one of the tests' own, in a directory of its own.
type project struct{ name, dir, home string }

func newProject(t *testing.T) project {
	t.Helper()
	p := project{name: randomName(), dir: t.TempDir(), home: t.TempDir()}
	t.Cleanup(func() { _ = p.command("destroy", p.name, "--yes").Run() })
	p.run(t, "create", p.name)
	return p
}

func (p project) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (p project) command(args ...string) *exec.Cmd {
	cmd := exec.Command("fngen", args...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "HOME="+p.home, "CI=true")
	return cmd
}

func (p project) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := p.command(args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("fngen %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// killFngend kills the control plane of this cluster as a crash would.
func killFngend(t *testing.T) {
	t.Helper()
	dev, err := filepath.Abs("../.dev")
	if err != nil {
		t.Fatal(err)
	}
	killed := 0
	for _, pid := range family(t, dev+"/data/") {
		cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && bytes.Equal(cmdline, []byte("/opt/fngen/bin/fngend\x00serve\x00")) {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			killed++
		}
	}
	if killed != 1 {
		t.Fatalf("killed %d control planes, not one", killed)
	}
}
