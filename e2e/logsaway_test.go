//go:build linux

package e2e

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
)

// tickingApp prints a number ten times a second, and much when it is asked to.
const tickingApp = `import itertools, json, threading, time
from fngen.powers import webapp

ended, printed = threading.Event(), 0

def tick():
    global printed
    while not ended.wait(0.1):
        print("tick", printed)
        printed += 1

ticker = threading.Thread(target=tick, daemon=True)
ticker.start()

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    if scope["path"] == "/end":
        ended.set()
        ticker.join()
    if scope["path"] == "/much":
        for i in range(20_000):
            print("much", i, "x" * 180)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(printed).encode()})

@webapp(framework="asgi", processes=1)
def live_app():
    return app
`

// TestLogsAway takes Loki away, and then the door to it, while a function prints on: all
// lines are there in the end, in order and once. For ten minutes each in make soak.
func TestLogsAway(t *testing.T) {
	cluster.Require(t)
	e2etest.UpAgain(t)
	away := 15 * time.Second
	if soaks {
		away = 10 * time.Minute
	}
	p := newProject(t)
	p.Write(t, "app.py", tickingApp)
	p.Write(t, "fngen.yml", e2etest.OnServers("s", "us-west", 1))
	p.Run(t, "push", p.Name, ".")
	follower := p.followLogs(t, "--grep", "tick")
	follower.until(t, "tick 10")
	for _, server := range []string{"loki", "traefik"} {
		check(t, e2etest.OneMachine(t).KillServer(server))
		time.Sleep(away) // nobody is waited for: it is away for that long
		e2etest.MakeUp(t)
		var printed int
		p.Get(t, "/", nil, &printed)
		follower.until(t, fmt.Sprintf("tick %d", printed-1))
	}
	var printed int
	p.Get(t, "/end", nil, &printed)
	last := fmt.Sprintf("tick %d", printed-1)
	if !e2etest.Eventually(func() bool { return len(p.lines(t, "--grep", last)) == 1 }) {
		t.Fatalf("%q does not arrive", last)
	}
	for i, l := range p.lines(t, "--grep", "tick", "--limit", strconv.Itoa(printed+1)) {
		if l.Message != fmt.Sprintf("tick %d", i) {
			t.Fatalf("line %d is %q", i, l.Message)
		}
		printed--
	}
	if printed != 0 {
		t.Errorf("%d lines are missing", printed)
	}
	follower.eachOnce(t)
}

// TestLogQuota has a project write more than it may: the log says once how much of it was
// dropped, and has no more.
func TestLogQuota(t *testing.T) {
	cluster.Require(t)
	e2etest.UpAgain(t)
	p := newProject(t)
	p.Write(t, "app.py", tickingApp)
	p.Write(t, "fngen.yml", e2etest.OnServers("s", "us-west", 1))
	p.Run(t, "push", p.Name, ".")
	allow(t, "1MiB")
	p.Get(t, "/much", nil, new(int))
	const says = " entries of the log were dropped: the project has written as much as it may in a day, 1 MB"
	told := func() (lines int) {
		for _, l := range p.lines(t, "--power", "platform", "--level", "WARNING") {
			if before, ok := strings.CutSuffix(l.Message, says); ok {
				if n, err := strconv.Atoi(before); err != nil || n < 1 || n > 20_000 {
					t.Errorf("it says %q", l.Message)
				}
				lines++
			}
		}
		return lines
	}
	if !e2etest.Eventually(func() bool { return told() > 0 }) {
		t.Fatal("the log does not say that something was dropped")
	}
	if n := told(); n != 1 {
		t.Errorf("it says so %d times", n)
	}
	if n := len(p.lines(t, "--grep", "much", "--limit", "20000")); n < 1000 || n > 5000 {
		t.Errorf("of 1 MiB in lines of 300 bytes there are %d", n)
	}
}

// allow bounds what a project may write to its log in a day, as an operator does, for the
// time of a test.
func allow(t *testing.T, daily string) {
	t.Helper()
	jobs := e2etest.NomadClient(t).Jobs()
	job, _, err := jobs.Info("fngend", (&nomad.QueryOptions{Namespace: "platform"}).WithContext(t.Context()))
	check(t, err)
	t.Cleanup(func() { e2etest.MakeUp(t) })
	env := job.TaskGroups[0].Tasks[0].Env
	env["FNGEND_DAILY_LOG"] = daily
	answer, _, err := jobs.Register(job, (&nomad.WriteOptions{Namespace: "platform"}).WithContext(t.Context()))
	check(t, err)
	rolled := func() bool {
		deployment, _, err := jobs.LatestDeployment("fngend", (&nomad.QueryOptions{Namespace: "platform"}).WithContext(context.WithoutCancel(t.Context())))
		return err == nil && deployment.JobSpecModifyIndex == answer.JobModifyIndex && deployment.Status == nomad.DeploymentStatusSuccessful
	}
	if !e2etest.Eventually(rolled) {
		t.Fatal("the control plane does not start with that")
	}
}
