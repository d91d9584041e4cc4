package nomadtest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad"
)

// RunBatch runs a batch job of one task to its end and removes it.
func (c *Cluster) RunBatch(ctx context.Context, spec *api.Job, _ []byte, observer nomad.BatchObserver) error {
	failures, err := c.run(ctx, spec, observer.Output)
	if err != nil || len(failures) == 0 {
		return err
	}
	if observer.Failed != nil {
		observer.Failed(ctx, failures[0])
	}
	return failures[0]
}

// RunSysbatch runs a job once on each node that it may be on, and removes it.
func (c *Cluster) RunSysbatch(ctx context.Context, spec *api.Job, _ []byte) error {
	failures, err := c.run(ctx, spec, func(string) {})
	if err != nil || len(failures) == 0 {
		return err
	}
	return failures[0]
}

// run is a job from its registration to its removal, with the instances that failed.
func (c *Cluster) run(ctx context.Context, spec *api.Job, output func(string)) ([]*nomad.Failure, error) {
	k := keyOf(spec)
	if err := c.Stop(ctx, k.namespace, k.id); err != nil {
		return nil, err
	}
	started, err := c.submit(ctx, copied(spec))
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Stop(context.WithoutCancel(ctx), k.namespace, k.id) }()
	if err := c.until(ctx, 0, func() bool { return !slices.ContainsFunc(started, func(i *instance) bool { return !i.ended() }) }); err != nil {
		return nil, err
	}
	var failures []*nomad.Failure
	for _, i := range started {
		for _, line := range i.behaviour.Output {
			if output != nil {
				output(line)
			}
		}
		if i.state == api.AllocClientStatusFailed {
			failures = append(failures, failureOf(i))
		}
	}
	return failures, nil
}

// submit registers a job that runs to its end: on one node, or on each.
func (c *Cluster) submit(ctx context.Context, spec *api.Job) ([]*instance, error) {
	var out []*instance
	err := c.do(ctx, func() error {
		k, group := keyOf(spec), *spec.TaskGroups[0].Name
		if !c.namespaces[k.namespace] {
			return fmt.Errorf("register job %q: nonexistent namespace %q", k.id, k.namespace)
		}
		c.index++
		v := &version{spec: spec}
		c.jobs[k] = &job{versions: []*version{v}, index: c.index, tags: map[string]int{}}
		times := 1
		if *spec.Type == api.JobTypeSysbatch {
			times = len(slices.DeleteFunc(slices.Clone(c.nodes), func(n *Node) bool { return !allowed(spec, spec.TaskGroups[0], n) }))
		}
		for range times {
			i := c.start(v, group, "", k)
			if i == nil {
				return &nomad.Failure{Job: k.id, ExitCode: -1, NoRoom: true, Reason: fmt.Sprintf("server %q: of %d nodes, no room", group, len(c.nodes))}
			}
			out = append(out, i)
		}
		c.tell()
		return nil
	})
	return out, err
}

// Instances lists the instances of a job that are to run.
func (c *Cluster) Instances(ctx context.Context, namespace, jobID string) ([]nomad.Instance, error) {
	var out []nomad.Instance
	err := c.do(ctx, func() error {
		for _, i := range c.of(key{namespace, jobID}) {
			out = append(out, nomad.Instance{
				Allocation: i.id, Group: i.group, Node: i.node.ID, NodeID: i.node.ID, State: i.state, Healthy: i.healthy, StartedAt: i.started, Args: args(i),
			})
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b nomad.Instance) int { return strings.Compare(a.Group, b.Group) })
	return out, err
}

func args(i *instance) []string {
	var out []string
	list, _ := lookup(i.version.spec, i.group).Tasks[0].Config["args"].([]any)
	for _, arg := range list {
		out = append(out, fmt.Sprint(arg))
	}
	return out
}

// Address fails: nothing listens.
func (c *Cluster) Address(_ context.Context, _, allocation string) (string, error) {
	return "", fmt.Errorf("allocation %s has no port", allocation)
}

// ReadFile fails: instances have no files.
func (c *Cluster) ReadFile(_ context.Context, _, allocation, path string, _ int64) ([]byte, error) {
	return nil, fmt.Errorf("look for %s of allocation %s: file not found", path, allocation)
}

// Room tells what the nodes have free, and what the instances of a namespace hold.
func (c *Cluster) Room(ctx context.Context, namespace string) (nomad.Room, error) {
	var out nomad.Room
	err := c.do(ctx, func() error {
		free := c.free()
		for _, n := range c.nodes {
			out.Servers = append(out.Servers, nomad.Server{ID: n.ID, Class: n.Class, Region: n.Region, FreeMB: free[n], FreeMHz: 1 << 20})
		}
		for _, i := range c.instances {
			if i.key.namespace == namespace && !i.ended() {
				out.Held = append(out.Held, nomad.Held{Job: i.key.id, Group: i.group, Server: i.node.ID, MB: reserved(lookup(i.version.spec, i.group)), Ending: i.stopping})
			}
		}
		return nil
	})
	return out, err
}

// On lists what runs on a node and ought to.
func (c *Cluster) On(ctx context.Context, node string) ([]nomad.Place, error) {
	var out []nomad.Place
	err := c.do(ctx, func() error {
		for _, i := range c.instances {
			if i.node.ID == node && !i.stopping && i.state == api.AllocClientStatusRunning {
				out = append(out, nomad.Place{Namespace: i.key.namespace, Job: i.key.id, Group: i.group})
			}
		}
		return nil
	})
	return out, err
}
