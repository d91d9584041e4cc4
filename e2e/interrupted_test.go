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

// TestInterrupted kills the control plane in the middle of three pushes: one waits
// for its new instances, one runs a release command, and one has brought its
// function up on another server and takes it off the one from before. The next
// control plane puts back what was live, nobody's request fails meanwhile, and the
// history says what happened.
func TestInterrupted(t *testing.T) {
	requireCluster(t)
	rolling, commanding, moving := newProject(t), newProject(t), newProject(t)
	moving.write(t, "fngen.yml", "servers: [{name: before, size: m, region: eu-central}]\n")
	commanding.write(t, "fngen.yml", "servers: [{name: web, size: xl, region: us-west}]\n")
	for _, p := range []project{rolling, commanding, moving} {
		p.write(t, "app.py", fmt.Sprintf(slowApp, "one", 0))
		p.run(t, "push", p.name, ".")
	}
	loads := []requests{rolling.load(t), moving.load(t)}

	rolling.write(t, "app.py", fmt.Sprintf(slowApp, "two", 30))
	commanding.write(t, "fngen.yml", "servers: [{name: web, size: xl, region: us-west}]\nfunctions:\n  live_app: {release: echo begun; sleep 600}\n")
	moving.write(t, "fngen.yml", "servers: [{name: after, size: m, region: eu-central}]\n")
	pushes := []*interruptedPush{rolling.pushTo(t, "starting live_app"), commanding.pushTo(t, "| begun")}
	for _, p := range pushes {
		p.wait(t)
	}
	pushes = append(pushes, moving.pushTo(t, "healthy on after ("))
	pushes[2].wait(t)
	killFngend(t)
	for _, p := range pushes {
		p.lost(t)
	}
	for _, p := range []project{rolling, commanding, moving} {
		p.undone(t)
		if out := p.run(t, "status", p.name); strings.Count(out, "\n") != 1 || !strings.HasSuffix(out, "\t1\n") {
			t.Errorf("what runs is not release 1 alone:\n%s", out)
		}
		p.onlyFunctions(t)
	}
	rolling.write(t, "app.py", fmt.Sprintf(slowApp, "three", 0))
	rolling.run(t, "push", rolling.name, ".")
	for _, l := range loads {
		l.allow(t, 0)
	}
}

// onlyFunctions holds that Nomad has no job of the project beside its function's:
// a release command for which nobody waits any more was stopped.
func (p project) onlyFunctions(t *testing.T) {
	t.Helper()
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
}

// interruptedPush is a push during which the control plane dies.
type interruptedPush struct {
	cmd     *exec.Cmd
	reached chan struct{}
	ended   chan struct{}
	talk    strings.Builder // to be read when it has ended
}

// pushTo begins a push that says a mark before it ends.
func (p project) pushTo(t *testing.T, mark string) *interruptedPush {
	t.Helper()
	push := &interruptedPush{cmd: p.command("push", p.name, "."), reached: make(chan struct{}), ended: make(chan struct{})}
	stderr, err := push.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := push.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(push.ended)
		lines := bufio.NewScanner(stderr)
		for marked := false; lines.Scan(); {
			push.talk.WriteString(lines.Text() + "\n")
			if !marked && strings.Contains(lines.Text(), mark) {
				marked = true
				close(push.reached)
			}
		}
		_ = push.cmd.Wait() // the exit code is looked at in lost
	}()
	return push
}

// wait returns when the push has said its mark.
func (p *interruptedPush) wait(t *testing.T) {
	t.Helper()
	select {
	case <-p.reached:
	case <-p.ended:
		t.Fatalf("the push ended too early:\n%s", p.talk.String())
	}
}

// lost holds that the push has failed for want of its control plane.
func (p *interruptedPush) lost(t *testing.T) {
	t.Helper()
	<-p.ended
	if p.cmd.ProcessState.ExitCode() != 1 || !strings.Contains(p.talk.String(), "fngen status") {
		t.Fatalf("a push that lost its control plane: %v\n%s", p.cmd.ProcessState, p.talk.String())
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
