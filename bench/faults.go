//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/load"
	"fngen.dev/fngen/pkg/api"
)

// faultLimit is when a fault that is not over counts as one that never is.
const faultLimit = 2 * time.Minute

// Fleets on which something dies: two servers of a kind, of which a function uses
// both or one, and a kind with a single server.
const (
	twoServers = "servers:\n  - {name: web, size: s, region: us-west, count: 2}\n"
	oneOfTwo   = "servers:\n  - {name: web, size: s, region: us-west}\n"
	onlyServer = load.OneServer
)

// fault is something that dies under a web app.
type fault struct {
	name, fleet string
	// strike lets it die, and starts again what does not come back by itself.
	strike func(*struck, context.Context) error
	// over reports whether what the name of it says is so.
	over     func(*struck, context.Context) bool
	overName string
	goal     string
}

var faults = []fault{
	{"kill -9 of an instance, of two", twoServers, (*struck).killPython, (*struck).startedAgain, "until it answers again", "what was under way"},
	{"a whole server dies, of two with an instance", twoServers, (*struck).killMachine, (*struck).outOfRouter, "until the router knows", "what was under way"},
	{"kill -9 of the only instance", onlyServer, (*struck).killPython, (*struck).startedAgain, "until it answers again", ""},
	{"the server of the only instance dies, there is another", oneOfTwo, (*struck).killMachine, (*struck).anotherAnswers, "until one on the other server answers", ""},
	{"kill -9 of a server's Nomad client, started again at once", onlyServer, (*struck).killNomadClient, (*struck).untouched, "until it is back", "0"},
	{"the same, started again when its server counts as dead", onlyServer, (*struck).killNomadClientForLong, (*struck).anotherAnswers, "until it is back and has started another", ""},
	{"kill -9 of Consul, started again after 10 s", onlyServer, (*struck).killConsul, (*struck).untouched, "until it is back", "0"},
	{"kill -9 of Traefik", onlyServer, (*struck).killTraefik, (*struck).sameAnswer, "until it answers again, `make up` included", ""},
	{"kill -9 of fngend in a push", onlyServer, (*struck).killControlPlane, (*struck).undone, "until the push is undone", "0"},
}

// faultsUnderLoad lets die, one after the other, what a web app runs on, while all
// that people do with it goes on.
func faultsUnderLoad(ctx context.Context) ([]figure, error) {
	machine, err := cluster.In(".")
	if err != nil {
		return nil, err
	}
	var table []figure
	err = withLoadApp(ctx, faults[0].fleet, func(b *bench) error {
		for _, f := range faults {
			figures, err := b.fault(ctx, machine, f)
			// Whatever has become of it, the next one finds everything up.
			if err := errors.Join(err, machine.Up(context.WithoutCancel(ctx))); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			table = append(table, figures...)
		}
		return nil
	})
	return table, err
}

// struck is a fault under way.
type struck struct {
	*bench
	machine  cluster.Cluster
	requests *load.Load
	// was are the instances before.
	was []*nomad.AllocationListStub
}

func (b *bench) fault(ctx context.Context, machine cluster.Cluster, f fault) ([]figure, error) {
	if err := b.write("fngen.yml", f.fleet); err != nil {
		return nil, err
	}
	if err := command(ctx, "fngen", "push", b.project, b.dir); err != nil {
		return nil, err
	}
	s := &struck{bench: b, machine: machine}
	var err error
	if s.was, err = cluster.Running(ctx, b.project); err != nil {
		return nil, err
	}
	began := time.Now()
	s.requests = b.everything(ctx)
	defer s.requests.Stop()
	if err := s.allAnswered(); err != nil {
		return nil, err
	}
	at := time.Since(began)
	if err := f.strike(s, ctx); err != nil {
		return nil, err
	}
	if !cluster.Eventually(faultLimit, func() bool { return f.over(s, ctx) }) {
		return nil, fmt.Errorf("not %s within %s\n%s", f.overName, faultLimit, s.requests.Stop())
	}
	over := time.Since(began) - at
	if err := s.allAnswered(); err != nil {
		return nil, err
	}
	report := s.requests.Stop()
	fmt.Fprintf(os.Stderr, "%s at %.3f s\n%s", f.name, at.Seconds(), report)
	failing := "none"
	if report.Failed() > 0 {
		failing = seconds(report.Last - at)
	}
	return []figure{
		{f.name + ": failed requests", fmt.Sprintf("%d of %d", report.Failed(), report.Sent()), "", "", f.goal},
		{name: "the last of them, after the death; " + f.overName, ours: failing + "; " + seconds(over)},
	}, nil
}

// allAnswered waits until requests of every kind have been answered from now on,
// of each as many as are under way at once.
func (s *struck) allAnswered() error {
	good := func() []int {
		var out []int
		for _, k := range s.requests.Now().Kinds {
			out = append(out, k.Sent-k.Failed)
		}
		return out
	}
	before := good()
	answered := func() bool {
		now := good()
		for i := range now {
			if now[i] < before[i]+4 {
				return false
			}
		}
		return true
	}
	if !cluster.Eventually(faultLimit, answered) {
		return fmt.Errorf("not everything is answered within %s\n%s", faultLimit, s.requests.Stop())
	}
	return nil
}

func (s *struck) killPython(context.Context) error {
	return s.machine.KillInstance(s.was[0].ID, "python")
}

func (s *struck) killMachine(context.Context) error { return s.machine.KillMachine(s.was[0].NodeName) }

func (s *struck) killNomadClient(ctx context.Context) error {
	return s.restart(ctx, "nomad-"+s.was[0].NodeName, func() error { return nil })
}

// killNomadClientForLong has the client stay away until Nomad takes its server for
// dead, whose tasks live on.
func (s *struck) killNomadClientForLong(ctx context.Context) error {
	return s.restart(ctx, "nomad-"+s.was[0].NodeName, func() error {
		client, err := cluster.Nomad()
		if err != nil {
			return err
		}
		dead := func() bool {
			node, _, err := client.Nodes().Info(s.was[0].NodeID, (&nomad.QueryOptions{}).WithContext(ctx))
			return err == nil && node.Status == nomad.NodeStatusDown
		}
		if !cluster.Eventually(faultLimit, dead) {
			return fmt.Errorf("%s does not count as dead after %s", s.was[0].NodeName, faultLimit)
		}
		return nil
	})
}

// killConsul has everything be asked without it.
func (s *struck) killConsul(ctx context.Context) error {
	return s.restart(ctx, "consul", s.allAnswered)
}

func (s *struck) killTraefik(ctx context.Context) error {
	return s.restart(ctx, "traefik", func() error { return nil })
}

// restart kills one of the cluster's servers, and starts it again after a while.
func (s *struck) restart(ctx context.Context, server string, meanwhile func() error) error {
	if err := s.machine.KillServer(server); err != nil {
		return err
	}
	err := meanwhile()
	return errors.Join(err, s.machine.Up(ctx))
}

// killControlPlane pushes, and kills fngend as soon as the rollout begins.
func (s *struck) killControlPlane(ctx context.Context) error {
	if err := s.write("app.py", load.App(1)); err != nil {
		return err
	}
	fngend, err := s.machine.ControlPlane()
	if err != nil {
		return err
	}
	var killed error
	talk, err := cluster.Talk(exec.CommandContext(ctx, "fngen", "push", s.project, s.dir), func(line string) {
		if strings.HasPrefix(line, "rollout: starting") {
			killed = cluster.Kill(fngend)
		}
	})
	if err == nil {
		return fmt.Errorf("the push outlived its control plane\n%s", talk)
	}
	return killed
}

func (s *struck) answering(ctx context.Context) []string {
	return cluster.Answering(ctx, s.http.http, cluster.URL(s.project)+"/")
}

func (s *struck) sameAnswer(ctx context.Context) bool {
	return slices.Equal(s.answering(ctx), allocationIDs(s.was))
}

// startedAgain reports whether the instance that was killed answers, in place.
func (s *struck) startedAgain(ctx context.Context) bool {
	now, err := cluster.Running(ctx, s.project)
	return err == nil && len(now) == len(s.was) && restarts(now) > restarts(s.was) && s.sameAnswer(ctx)
}

func (s *struck) anotherAnswers(ctx context.Context) bool {
	now := s.answering(ctx)
	return len(now) == 1 && now[0] != s.was[0].ID
}

func (s *struck) outOfRouter(ctx context.Context) bool {
	routed, err := cluster.Routed(ctx, s.project)
	return err == nil && len(routed) == len(s.was)-1
}

// untouched reports whether the instances are those of before, and none of them
// was started again.
func (s *struck) untouched(ctx context.Context) bool {
	now, err := cluster.Running(ctx, s.project)
	return err == nil && slices.Equal(allocationIDs(now), allocationIDs(s.was)) && restarts(now) == restarts(s.was)
}

func restarts(allocs []*nomad.AllocationListStub) uint64 {
	var n uint64
	for _, a := range allocs {
		n += a.TaskStates["app"].Restarts
	}
	return n
}

func (s *struck) undone(ctx context.Context) bool {
	var releases []api.Release
	out, err := exec.CommandContext(ctx, "fngen", "releases", s.project, "--json").Output()
	return err == nil && json.Unmarshal(out, &releases) == nil && releases[0].State == "failed" && releases[1].State == "live"
}

func allocationIDs(allocs []*nomad.AllocationListStub) []string {
	var out []string
	for _, a := range allocs {
		out = append(out, a.ID)
	}
	slices.Sort(out)
	return out
}
