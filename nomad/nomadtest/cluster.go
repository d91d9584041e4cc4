// Package nomadtest is a Nomad in memory for tests of what deploys to one, and the
// suite that holds it to the real one (Conform).
//
// It knows as much of Nomad as package nomad hands on: namespaces, jobs with
// versions and a modify index, deployments with canaries, going back by itself,
// nodes with memory. What a node runs is told by a Behaviour. All its times are
// those of timers, so that tests in a synctest bubble take none.
package nomadtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad"
)

// Node is a server that is ready.
type Node struct {
	ID, Class, Region string
	MB                int64
	drain             *nomad.Drain
}

// Behaviour is what becomes of an instance.
type Behaviour struct {
	// After is when it is healthy, or has ended, by itself.
	After time.Duration
	// Exit is the code with which it ends. A service that is well does not end: its
	// Exit is 0.
	Exit int
	// Output are the lines that it prints.
	Output []string
}

// drainTime is how long an instance that is told to stop goes on.
const drainTime = 3 * time.Second

// Cluster is the Nomad. Its exported fields are set before it is used.
type Cluster struct {
	// Behave tells what becomes of instances of a group, on which node it may be asked
	// for, and nil is well after a second.
	Behave func(job *api.Job, group string) Behaviour
	// Ended hears of a batch job that has ended well, before anybody else does.
	Ended func(job *api.Job)
	// Changed hears of every change of what serves, while nothing else happens; serving
	// lists the instances behind a host.
	Changed func(serving func(host string) []string)

	mu          sync.Mutex
	nodes       []*Node
	namespaces  map[string]bool
	jobs        map[key]*job
	instances   []*instance
	deployments map[string]*deployment
	// blocked are instances that find no room, in the order in which they came.
	blocked []waiting
	index   uint64
	serial  int
	news    chan struct{} // closed at the next change
}

type key struct{ namespace, id string }

// job is what is registered; the last version is the one that counts.
type job struct {
	versions []*version
	index    uint64
	tags     map[string]int
}

type version struct {
	number int
	spec   *api.Job
	stable bool
}

func (j *job) now() *version { return j.versions[len(j.versions)-1] }

// instance is an allocation.
type instance struct {
	id, group  string
	key        key
	node       *Node
	version    *version
	deployment string
	serial     int
	state      string // api.AllocClientStatus*
	stopping   bool
	healthy    bool
	behaviour  Behaviour
	started    time.Time
}

func (i *instance) ended() bool {
	return i.state != api.AllocClientStatusRunning && i.state != api.AllocClientStatusPending
}

// New makes a cluster of nodes.
func New(nodes ...*Node) *Cluster {
	return &Cluster{
		nodes: nodes, namespaces: map[string]bool{"default": true}, jobs: map[key]*job{}, deployments: map[string]*deployment{}, news: make(chan struct{}),
	}
}

// EnsureNamespace implements what package nomad does.
func (c *Cluster) EnsureNamespace(ctx context.Context, name, _ string) error {
	return c.do(ctx, func() error { c.namespaces[name] = true; return nil })
}

// DeleteNamespace refuses one in which something is registered.
func (c *Cluster) DeleteNamespace(ctx context.Context, name string) error {
	return c.do(ctx, func() error {
		for k := range c.jobs {
			if k.namespace == name {
				return fmt.Errorf("delete namespace %q: it has the job %q", name, k.id)
			}
		}
		delete(c.namespaces, name)
		return nil
	})
}

// Datacenters lists the regions of the nodes that are not of a class.
func (c *Cluster) Datacenters(ctx context.Context, exceptClass string) ([]string, error) {
	var out []string
	err := c.do(ctx, func() error {
		for _, n := range c.nodes {
			if n.Class != exceptClass {
				out = append(out, n.Region)
			}
		}
		return nil
	})
	slices.Sort(out)
	return slices.Compact(out), err
}

// JobIDs lists the jobs of a namespace, sorted.
func (c *Cluster) JobIDs(ctx context.Context, namespace string) ([]string, error) {
	var out []string
	err := c.do(ctx, func() error {
		for k := range c.jobs {
			if k.namespace == namespace {
				out = append(out, k.id)
			}
		}
		return nil
	})
	slices.Sort(out)
	return out, err
}

// Tag keeps the name of the current version of a job.
func (c *Cluster) Tag(ctx context.Context, namespace, jobID, name, _ string) error {
	return c.do(ctx, func() error {
		j, ok := c.jobs[key{namespace, jobID}]
		if !ok {
			return fmt.Errorf("list versions of job %q: job not found", jobID)
		}
		j.tags[name] = j.now().number
		return nil
	})
}

// do reads or changes something, unless the caller has gone.
func (c *Cluster) do(ctx context.Context, what func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return what()
}

// tell wakes those who wait for something to change.
func (c *Cluster) tell() {
	close(c.news)
	c.news = make(chan struct{})
	if c.Changed != nil {
		c.Changed(c.serving)
	}
}

// until waits until something is true that is looked at after each change, for a
// while at most when limit is above 0.
func (c *Cluster) until(ctx context.Context, limit time.Duration, done func() bool) error {
	var over <-chan time.Time
	if limit > 0 {
		over = time.After(limit)
	}
	for {
		c.mu.Lock()
		ok, news := done(), c.news
		c.mu.Unlock()
		if err := ctx.Err(); ok || err != nil {
			return err
		}
		select {
		case <-news:
		case <-over:
			return nil
		case <-ctx.Done():
		}
	}
}

// after does something later, while nothing else happens.
func (c *Cluster) after(d time.Duration, what func()) {
	time.AfterFunc(d, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		what()
		c.unblock()
		c.tell()
	})
}

func (c *Cluster) name(kind string) string {
	c.serial++
	return fmt.Sprintf("%s-%d", kind, c.serial)
}

// copied is a job that nobody else changes.
func copied(spec *api.Job) *api.Job {
	text, err := json.Marshal(spec)
	out := new(api.Job)
	if err = errors.Join(err, json.Unmarshal(text, out)); err != nil {
		panic(err) // it is JSON to Nomad, too
	}
	return out
}

func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
