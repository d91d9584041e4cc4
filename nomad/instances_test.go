package nomad

import (
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/nomad/api"
)

// TestReadsEnd asks a node that takes each question and never answers.
func TestReadsEnd(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
		}
	}()
	c, err := New("http://"+l.Addr().String(), "")
	if err != nil {
		t.Fatal(err)
	}
	printed := &lines{emit: func(string) {}}
	for name, call := range map[string]func(){
		"the end of a log": func() { c.tail(t.Context(), &api.AllocationListStub{ID: "a1"}, "app", "stdout") },
		"a log":            func() { c.pass(t.Context(), "hello", "a1", "app", "stdout", printed, true) },
		"a file": func() {
			if _, err := c.ReadFile(t.Context(), "hello", "a1", "app/x", 1000); err == nil {
				t.Error("no error")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := make(chan struct{})
			go func() { defer close(done); call() }()
			select {
			case <-done:
			case <-time.After(readTime + time.Minute):
				t.Error("it waits for ever")
			}
		})
	}
}

// TestInstances holds which allocations are the instances of a job, in which order, and
// what is told of each: those that ought to run, but none on a server out of reach that
// another has replaced.
func TestInstances(t *testing.T) {
	at := time.Unix(1700000000, 0).UTC()
	stub := func(id, group string, age time.Duration) *api.AllocationListStub {
		a := alloc(id)
		a.TaskGroup, a.NodeName = group, "node-of-"+id
		a.TaskStates["app"].StartedAt, a.TaskStates["app"].Restarts = at.Add(-age), 2
		return a
	}
	well, young, unknown, replaced, stopped := stub("a1", "web", time.Hour), stub("a2", "web", time.Minute), stub("a3", "big", 0), stub("a4", "web", 0), stub("a5", "web", 0)
	well.DeploymentStatus = &api.AllocDeploymentStatus{Healthy: new(true)}
	unknown.ClientStatus, replaced.ClientStatus, stopped.DesiredStatus = api.AllocClientStatusUnknown, api.AllocClientStatusUnknown, "stop"
	full := func(next string) *api.Allocation {
		job := testJob()
		job.TaskGroups[0].Tasks[0].Config = map[string]any{"args": []any{"serve", "--release=3", 7}}
		return &api.Allocation{TaskGroup: "web", Job: job, NextAllocation: next}
	}
	_, client := answering(t, map[string][]any{
		"GET /v1/job/web-a/allocations": {[]any{young, stopped, replaced, unknown, well}},
		"GET /v1/allocation/a1":         {full("")}, "GET /v1/allocation/a2": {full("")}, "GET /v1/allocation/a3": {full("")}, "GET /v1/allocation/a4": {full("a2")},
	})
	list := must(client.Instances(t.Context(), "shop", "web-a"))(t)
	var got []string
	for _, i := range list {
		got = append(got, fmt.Sprintf("%s %s %s %s %v %d %v", i.Group, i.Allocation, i.Node, i.State, i.Healthy, i.Restarts, i.Args))
	}
	want := []string{
		"big a3 node-of-a3 unknown false 2 [serve --release=3]",
		"web a1 node-of-a1 running true 2 [serve --release=3]",
		"web a2 node-of-a2 running false 2 [serve --release=3]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the instances are\n%q, not\n%q", got, want)
	}
	if none, err := client.Instances(t.Context(), "shop", "other"); err == nil {
		t.Errorf("a job that Nomad does not list has %v", none)
	}
}

// TestAddress holds that an instance is asked at its first port, and one without is not.
func TestAddress(t *testing.T) {
	with := func(ports ...api.PortMapping) *api.Allocation {
		return &api.Allocation{AllocatedResources: &api.AllocatedResources{Shared: api.AllocatedSharedResources{Ports: ports}}}
	}
	_, client := answering(t, map[string][]any{
		"GET /v1/allocation/a1": {with(api.PortMapping{HostIP: "fd00::1", Value: 20001}, api.PortMapping{HostIP: "10.0.0.1", Value: 1})},
		"GET /v1/allocation/a2": {with()}, "GET /v1/allocation/a3": {&api.Allocation{}},
	})
	if got := must(client.Address(t.Context(), "shop", "a1"))(t); got != "[fd00::1]:20001" {
		t.Errorf("it is at %s", got)
	}
	for _, id := range []string{"a2", "a3", "a4"} {
		if got, err := client.Address(t.Context(), "shop", id); err == nil {
			t.Errorf("%s is at %s", id, got)
		}
	}
}

// TestReadFile holds that only a regular file is read, and no more of it than wanted: what
// a program of a project leaves there is its own.
func TestReadFile(t *testing.T) {
	for name, test := range map[string]struct {
		info api.AllocFileInfo
		text string
		want string
	}{
		"a file":           {api.AllocFileInfo{FileMode: "-rw-r--r--", Size: 4}, "text", "text"},
		"one that grows":   {api.AllocFileInfo{FileMode: "-rw-r--r--", Size: 4}, "text and much more", "text and m"},
		"one that is long": {api.AllocFileInfo{FileMode: "-rw-r--r--", Size: 11}, "text", ""},
		"a directory":      {api.AllocFileInfo{FileMode: "drwxr-xr-x", IsDir: true}, "text", ""},
		"a FIFO":           {api.AllocFileInfo{FileMode: "prw-r--r--"}, "text", ""},
		"a link":           {api.AllocFileInfo{FileMode: "Lrwxrwxrwx"}, "text", ""},
	} {
		a, client := answering(t, map[string][]any{"GET /v1/client/fs/stat/a1": {test.info}, "GET /v1/client/fs/cat/a1": {printed(test.text)}})
		got, err := client.ReadFile(t.Context(), "shop", "a1", "app/local/cause.json", 10)
		if string(got) != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s: %q, %v; want %q", name, got, err, test.want)
		}
		if opened := a.count("GET /v1/client/fs/cat/a1") > 0; opened != (test.want != "") {
			t.Errorf("%s: opened is %v", name, opened)
		}
	}
}
