//go:build linux

package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
)

// stubbornApp never ends what it does when it is told to stop.
const stubbornApp = `import contextlib
import time

from fastapi import FastAPI

from fngen.powers import webapp


@contextlib.asynccontextmanager
async def lifespan(app):
    yield
    time.sleep(600)


app = FastAPI(lifespan=lifespan)


@app.get("/")
def index():
    return {}


@webapp(framework="fastapi")
def live_app():
    return app
`

// TestCutShort holds that a project of which Nomad has lost the namespace, since a
// create or a destroy ended in the middle, is healed by a push, and destroyed by a
// destroy.
func TestCutShort(t *testing.T) {
	cluster.Require(t)
	e2etest.Beside(t, "east m")
	p := newProject(t)
	p.Write(t, "app.py", fmt.Sprintf(e2etest.SlowApp, "one", 0))
	p.Write(t, "fngen.yml", e2etest.OnServers("m", "us-east", 1))
	p.loseNamespace(t)
	p.Run(t, "push", p.Name, ".")

	p.loseNamespace(t)
	p.Run(t, "status", p.Name)
	p.Run(t, "push", p.Name, ".")
	if now := p.Answering(t); len(now) != 1 {
		t.Errorf("after a push %v answer", now)
	}

	p.loseNamespace(t)
	p.Run(t, "destroy", p.Name, "--yes")
	p.nothing(t)
	p.Run(t, "create", p.Name)
}

// TestDestroyOfStubborn holds that a destroy does not wait for a program that does
// not end, which has 30 s of its own for that: it is killed.
func TestDestroyOfStubborn(t *testing.T) {
	cluster.Require(t)
	e2etest.Beside(t, "east m")
	p := newProject(t)
	p.Write(t, "app.py", stubbornApp)
	p.Write(t, "fngen.yml", e2etest.OnServers("m", "us-east", 1))
	p.Run(t, "push", p.Name, ".")
	killed := p.signalled(t, p.Running(t)[0].ID)
	begin := time.Now()
	p.Run(t, "destroy", p.Name, "--yes")
	t.Logf("destroyed after %v", time.Since(begin).Round(time.Millisecond))
	if !<-killed {
		t.Error("the program was not killed")
	}
	p.nothing(t)
}

// signalled follows an allocation until Nomad has forgotten it, and says whether it was
// sent a signal.
func (p project) signalled(t *testing.T, id string) <-chan bool {
	client, said := e2etest.NomadClient(t), make(chan bool, 1)
	q := (&nomad.QueryOptions{Namespace: p.Name, WaitTime: 10 * time.Second}).WithContext(t.Context())
	go func() {
		for seen := false; ; {
			a, meta, err := client.Allocations().Info(id, q)
			if err != nil {
				said <- seen
				return
			}
			q.WaitIndex = meta.LastIndex
			seen = seen || slices.ContainsFunc(a.TaskStates["app"].Events, func(e *nomad.TaskEvent) bool { return e.Type == nomad.TaskSignaling })
		}
	}()
	return said
}

// loseNamespace takes all of a project out of Nomad behind the platform's back.
func (p project) loseNamespace(t *testing.T) {
	t.Helper()
	c := e2etest.NomadClient(t)
	jobs, _, err := c.Jobs().List(&nomad.QueryOptions{Namespace: p.Name})
	check(t, err)
	for _, j := range jobs {
		_, _, err := c.Jobs().Deregister(j.ID, true, &nomad.WriteOptions{Namespace: p.Name})
		check(t, err)
	}
	if !cluster.Eventually(e2etest.Settle, func() bool { _, err := c.Namespaces().Delete(p.Name, nil); return err == nil }) {
		t.Fatal("the namespace cannot be deleted")
	}
}

// nothing holds that Nomad has nothing of a project, nor the platform.
func (p project) nothing(t *testing.T) {
	t.Helper()
	if _, _, err := e2etest.NomadClient(t).Namespaces().Info(p.Name, nil); err == nil {
		t.Error("Nomad still has the namespace")
	}
	for _, a := range p.Allocations(t) {
		if a.ClientStatus == nomad.AllocClientStatusRunning {
			t.Errorf("%s of %s still runs", a.ID, a.JobID)
		}
	}
	if p.Command("status", p.Name).Run() == nil {
		t.Error("the platform still has the project")
	}
}
