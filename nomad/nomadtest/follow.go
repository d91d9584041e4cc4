package nomadtest

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad"
)

// Follow waits for the end of a deployment, and fails it when one of its instances
// has ended.
func (c *Cluster) Follow(ctx context.Context, spec *api.Job, id string, observer nomad.Observer) (nomad.Rollout, error) {
	var out nomad.Rollout
	var failed error
	var seen []nomad.GroupHealth
	err := c.until(ctx, 0, func() bool {
		d := c.deployments[id]
		now := c.health(d)
		if observer.Progress != nil && !slices.Equal(seen, now) {
			observer.Progress(now)
		}
		seen = now
		if d.status == api.DeploymentStatusRunning {
			failed = c.crashed(d)
		} else if d.status != api.DeploymentStatusSuccessful {
			failed = &nomad.Failure{Job: *spec.ID, Reason: d.reason, ExitCode: -1}
		}
		if d.status == api.DeploymentStatusSuccessful {
			for _, i := range c.of(d.key) {
				if i.deployment == id {
					out.Allocations = append(out.Allocations, i.id)
				}
			}
		}
		return failed != nil || d.status != api.DeploymentStatusRunning
	})
	if err != nil {
		return nomad.Rollout{}, err
	}
	return out, failed
}

// crashed fails a deployment of which an instance has ended.
func (c *Cluster) crashed(d *deployment) error {
	for _, i := range c.instances {
		if i.deployment == d.id && i.state == api.AllocClientStatusFailed && !i.stopping {
			failure := failureOf(i)
			c.fail(d, failure.Reason)
			c.tell()
			return failure
		}
	}
	return nil
}

func failureOf(i *instance) *nomad.Failure {
	return &nomad.Failure{
		Job: i.key.id, Reason: "the new version does not start", Allocation: i.id, Group: i.group, Task: lookup(i.version.spec, i.group).Tasks[0].Name,
		ExitCode: i.behaviour.Exit, Stdout: i.behaviour.Output, Started: i.started, Ended: i.started.Add(i.behaviour.After),
	}
}

func (c *Cluster) health(d *deployment) []nomad.GroupHealth {
	var out []nomad.GroupHealth
	for _, g := range d.version.spec.TaskGroups {
		h := nomad.GroupHealth{Group: *g.Name, Desired: *g.Count}
		for _, i := range c.of(d.key) {
			if i.group == *g.Name && i.version == d.version && i.healthy {
				h.Healthy++
			}
		}
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b nomad.GroupHealth) int { return strings.Compare(a.Group, b.Group) })
	return out
}

// serving are the instances to which a router leads requests for a host: healthy,
// and not told to stop.
func (c *Cluster) serving(host string) []string {
	var out []string
	for _, i := range c.instances {
		if i.stopping || i.ended() || !i.healthy {
			continue
		}
		for _, s := range lookup(i.version.spec, i.group).Services {
			if slices.ContainsFunc(s.Tags, func(tag string) bool { return strings.Contains(tag, `"`+host+`"`) }) {
				out = append(out, i.id)
			}
		}
	}
	return out
}

// Serving are the instances behind a host.
func (c *Cluster) Serving(host string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.serving(host)
}

// Settle waits until what was told to stop in a namespace has ended.
func (c *Cluster) Settle(ctx context.Context, namespace string) (waited bool, err error) {
	err = c.until(ctx, 0, func() bool {
		draining := slices.ContainsFunc(c.instances, func(i *instance) bool { return i.key.namespace == namespace && i.stopping && !i.ended() })
		waited = waited || draining
		return !draining
	})
	return waited, err
}

// Stop ends a job and removes it.
func (c *Cluster) Stop(ctx context.Context, namespace, id string) error {
	k := key{namespace, id}
	err := c.do(ctx, func() error {
		for _, i := range c.of(k) {
			c.stop(i)
		}
		for _, d := range c.deployments {
			if d.key == k && d.status == api.DeploymentStatusRunning {
				d.status, d.reason = api.DeploymentStatusCancelled, "cancelled because job is stopped"
			}
		}
		c.tell()
		return nil
	})
	if err != nil {
		return err
	}
	return c.until(ctx, 0, func() bool {
		running := slices.ContainsFunc(c.instances, func(i *instance) bool { return i.key == k && !i.ended() })
		if !running {
			delete(c.jobs, k)
		}
		return !running
	})
}

// End is Stop: no instance here takes its time to end.
func (c *Cluster) End(ctx context.Context, namespace, id string) error {
	return c.Stop(ctx, namespace, id)
}

// Drains lists the drains that there are, at once when there is something newer than
// index.
func (c *Cluster) Drains(ctx context.Context, index uint64) ([]nomad.Drain, uint64, error) {
	var out []nomad.Drain
	var next uint64
	err := c.until(ctx, 10*time.Second, func() bool { return c.index > index })
	if err != nil {
		return nil, 0, err
	}
	err = c.do(ctx, func() error {
		next = max(c.index, 1)
		for _, n := range c.nodes {
			if n.drain != nil {
				out = append(out, *n.drain)
			}
		}
		return nil
	})
	return out, next, err
}

// Drain empties a node, as an operator does. Groups of one instance stay: they are
// the control plane's to move.
func (c *Cluster) Drain(node string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.nodes {
		if n.ID == node {
			n.drain = &nomad.Drain{Node: n.ID, Name: n.ID, Since: time.Now()}
		}
	}
	c.index++
	c.tell()
}
