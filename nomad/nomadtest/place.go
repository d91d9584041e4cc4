package nomadtest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad"
)

// deployment is one rollout of a service job.
type deployment struct {
	id      string
	key     key
	version *version
	status  string // api.DeploymentStatus*
	// promoted says that what its canaries replace was told to stop.
	promoted bool
	reason   string
}

// Place registers a job at the index of its plan and finds places for its instances.
func (c *Cluster) Place(ctx context.Context, spec *api.Job, index uint64, _ []byte) (string, error) {
	id := ""
	err := c.do(ctx, func() error {
		var at uint64
		if j, ok := c.jobs[keyOf(spec)]; ok {
			at = j.index
		}
		if at != index {
			return nomad.ErrDrift{Job: *spec.ID}
		}
		if !c.namespaces[*spec.Namespace] {
			return fmt.Errorf("register job %q: nonexistent namespace %q", *spec.ID, *spec.Namespace)
		}
		id = c.register(copied(spec)).id
		c.tell()
		return nil
	})
	return id, err
}

// register makes a version of a job what is to run, and begins its deployment. An
// earlier one ends.
func (c *Cluster) register(spec *api.Job) *deployment {
	k := keyOf(spec)
	plan := c.plan(spec)
	j, ok := c.jobs[k]
	if !ok {
		j = &job{tags: map[string]int{}}
		c.jobs[k] = j
	}
	v := &version{number: len(j.versions), spec: spec}
	c.index++
	j.versions, j.index = append(j.versions, v), c.index
	for _, d := range c.deployments {
		if d.key == k && d.status == api.DeploymentStatusRunning {
			d.status, d.reason = api.DeploymentStatusCancelled, "cancelled due to newer version of job"
			c.dropCanaries(d, spec)
		}
	}
	d := &deployment{id: c.name("deployment"), key: k, version: v, status: api.DeploymentStatusRunning}
	c.deployments[d.id] = d
	for _, i := range c.of(k) {
		if g := lookup(spec, i.group); g == nil {
			c.stop(i)
		} else if stays(i, spec, g) {
			i.version, i.deployment = v, d.id
		}
	}
	for _, g := range plan.Groups {
		if lookup(spec, g.Group) != nil {
			c.begin(d, g)
		}
	}
	c.settled(d)
	return d
}

// dropCanaries stops those of a deployment that has ended which have replaced
// nothing, unless they are what is to run.
func (c *Cluster) dropCanaries(d *deployment, now *api.Job) {
	for _, i := range c.of(d.key) {
		if i.deployment == d.id && i.version == d.version && !d.promoted && c.replaces(d, i) {
			if g := lookup(now, i.group); g == nil || !same(d.version.spec, now) {
				c.stop(i)
			}
		}
	}
}

// replaces reports whether an instance is beside older ones that it is to replace.
func (c *Cluster) replaces(d *deployment, i *instance) bool {
	return slices.ContainsFunc(c.of(d.key), func(old *instance) bool { return old.group == i.group && old.version != d.version })
}

func (i *instance) unpromoted(c *Cluster) bool {
	d := c.deployments[i.deployment]
	return d != nil && d.status == api.DeploymentStatusRunning && !d.promoted && i.version == d.version && c.replaces(d, i)
}

// begin starts what a plan says of a group. Where old and new take each other's
// place, the next is replaced when this one is healthy.
func (c *Cluster) begin(d *deployment, g nomad.GroupPlan) {
	for range g.Start + g.Canary {
		c.startInTime(d, g.Group)
	}
	if g.Replace > 0 {
		c.replaceNext(d, g.Group)
	}
}

func (c *Cluster) replaceNext(d *deployment, group string) {
	i := slices.IndexFunc(c.of(d.key), func(i *instance) bool { return i.group == group && i.version != d.version })
	if i < 0 || d.status != api.DeploymentStatusRunning {
		return
	}
	c.stop(c.of(d.key)[i])
	c.after(drainTime, func() {
		if d.status == api.DeploymentStatusRunning {
			c.startInTime(d, group)
		}
	})
}

// startInTime places an instance of a deployment, now or when there is room for it.
func (c *Cluster) startInTime(d *deployment, group string) {
	if c.start(d.version, group, d.id, d.key) != nil {
		return
	}
	c.blocked = append(c.blocked, waiting{d, group})
	c.after(progressTime, func() {
		if d.status == api.DeploymentStatusRunning && slices.Contains(c.blocked, waiting{d, group}) {
			c.fail(d, "Failed due to progress deadline")
		}
	})
}

// waiting is an instance without room.
type waiting struct {
	*deployment
	group string
}

// progressTime is after how long a deployment fails that has no room.
const progressTime = 2 * time.Minute

// unblock places what there is room for now.
func (c *Cluster) unblock() {
	all := c.blocked
	c.blocked = nil
	for _, w := range all {
		if w.status == api.DeploymentStatusRunning && c.start(w.version, w.group, w.id, w.key) == nil {
			c.blocked = append(c.blocked, w)
		}
	}
}

// start places an instance, if there is room.
func (c *Cluster) start(v *version, group, deployment string, k key) *instance {
	node := c.find(v.spec, group, c.free())
	if node == nil {
		return nil
	}
	b := Behaviour{After: time.Second}
	if c.Behave != nil {
		b = c.Behave(v.spec, group)
	}
	c.serial++
	i := &instance{
		id: fmt.Sprintf("%08d-alloc", c.serial), group: group, key: k, node: node, version: v, deployment: deployment,
		serial: c.serial, state: api.AllocClientStatusRunning, behaviour: b, started: time.Now(),
	}
	c.instances = append(c.instances, i)
	c.after(b.After, func() { c.arrive(i) })
	return i
}

// arrive is what an instance comes to by itself.
func (c *Cluster) arrive(i *instance) {
	d := c.deployments[i.deployment]
	switch {
	case i.ended():
	case d == nil: // of a batch job
		i.state = api.AllocClientStatusComplete
		if i.behaviour.Exit != 0 {
			i.state = api.AllocClientStatusFailed
		} else if c.Ended != nil {
			c.Ended(i.version.spec)
		}
	case i.behaviour.Exit == 0 && !i.stopping:
		i.healthy = true
		if g := lookup(d.version.spec, i.group); g != nil && canaries(g) == 0 && i.version == d.version {
			c.replaceNext(d, i.group)
		}
		c.settled(d)
	case i.behaviour.Exit != 0:
		i.state = api.AllocClientStatusFailed
	}
}

// settled ends a deployment whose instances are all healthy: what they replace is
// told to stop.
func (c *Cluster) settled(d *deployment) {
	if d.status != api.DeploymentStatusRunning {
		return
	}
	for _, g := range d.version.spec.TaskGroups {
		healthy := 0
		for _, i := range c.of(d.key) {
			if i.group == *g.Name && i.version == d.version && i.healthy {
				healthy++
			}
		}
		if healthy < *g.Count {
			return
		}
	}
	d.promoted, d.status, d.version.stable = true, api.DeploymentStatusSuccessful, true
	for _, i := range c.of(d.key) {
		if i.version != d.version {
			c.stop(i)
		}
	}
}

// stop tells an instance to stop: the router does not lead to it any more.
func (c *Cluster) stop(i *instance) {
	i.stopping = true
	c.after(drainTime, func() {
		if !i.ended() {
			i.state = api.AllocClientStatusComplete
		}
	})
}

// fail ends a deployment that cannot succeed. The job goes back to its last version
// that was well, if it is another one.
func (c *Cluster) fail(d *deployment, reason string) {
	d.status, d.reason = api.DeploymentStatusFailed, reason
	j := c.jobs[d.key]
	if j == nil || j.now() != d.version {
		return
	}
	for _, v := range slices.Backward(j.versions) {
		if v.stable && !same(v.spec, d.version.spec) {
			c.dropCanaries(d, v.spec)
			c.register(copied(v.spec)).version.stable = true
			return
		}
	}
}
