package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	consul "github.com/hashicorp/consul/api"
	nomad "github.com/hashicorp/nomad/api"
	"github.com/rogpeppe/go-internal/testscript"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
	"fngen.dev/fngen/e2e/load"
)

// fetch LABEL PATH [STATUS]: asks https://LABEL.<domain>PATH through the router,
// with the certificate verified, and prints the body. STATUS is 200 if not given.
func fetch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: fetch LABEL PATH [STATUS]")
	}
	want := "200"
	if len(args) == 3 {
		want = args[2]
	}
	client, err := cluster.Router()
	ts.Check(err)
	resp, err := client.Get(cluster.URL(args[0]) + args[1])
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	for _, name := range []string{"X-Request-Id", "Fngen-Release", "Content-Type", "Cache-Control"} {
		if v := resp.Header.Get(name); v != "" {
			fmt.Fprintf(ts.Stdout(), "%s: %s\n", name, v)
		}
	}
	_, _ = ts.Stdout().Write(body)
	if strconv.Itoa(resp.StatusCode) != want {
		ts.Fatalf("got status %d, want %s: %s", resp.StatusCode, want, body)
	}
}

// jobs: prints each job of the project with its version and modify index, as
// Nomad has them.
func listJobs(ts *testscript.TestScript, _ bool, _ []string) {
	client, err := cluster.Nomad()
	ts.Check(err)
	list, _, err := client.Jobs().List(&nomad.QueryOptions{Namespace: ts.Getenv("P")})
	ts.Check(err)
	for _, j := range list {
		fmt.Fprintf(ts.Stdout(), "%s %s %d\n", j.ID, j.Status, j.JobModifyIndex)
	}
}

// instances: prints the node class and datacenter of each running allocation.
func instances(ts *testscript.TestScript, _ bool, _ []string) {
	client, err := cluster.Nomad()
	ts.Check(err)
	allocs, _, err := client.Allocations().List(&nomad.QueryOptions{Namespace: ts.Getenv("P")})
	ts.Check(err)
	for _, a := range allocs {
		if a.ClientStatus != nomad.AllocClientStatusRunning || a.DesiredStatus != nomad.AllocDesiredStatusRun {
			continue
		}
		node, _, err := client.Nodes().Info(a.NodeID, nil)
		ts.Check(err)
		fmt.Fprintf(ts.Stdout(), "%s %s %s %s\n", a.JobID, a.TaskGroup, node.NodeClass, node.Datacenter)
	}
}

// replace FILE OLD NEW: edits a file of the script's tree.
func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o644))
}

// gone UID: checks that nothing of the project is left in Nomad, Consul, Traefik
// and on the disk, where UID owned its caches.
func gone(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: gone UID")
	}
	project := ts.Getenv("P")
	n, err := cluster.Nomad()
	ts.Check(err)
	if _, _, err := n.Namespaces().Info(project, nil); err == nil {
		ts.Fatalf("Nomad still has the namespace %s", project)
	}
	c, err := consul.NewClient(consul.DefaultConfig())
	ts.Check(err)
	// Nomad's agents tell Consul beside of what has ended, and Consul's its servers.
	forgotten := func() bool {
		services, _, err := c.Catalog().Services(nil)
		ts.Check(err)
		for name := range services {
			if strings.HasPrefix(name, project+"--") {
				return false
			}
		}
		return true
	}
	if !e2etest.Eventually(forgotten) {
		ts.Fatalf("Consul still has a service of %s", project)
	}
	client, err := cluster.Router()
	ts.Check(err)
	unrouted := func() bool {
		resp, err := client.Get(cluster.URL(project) + "/")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusNotFound && resp.Header.Get("X-Request-Id") == ""
	}
	if !e2etest.Eventually(unrouted) {
		ts.Fatalf("Traefik still routes %s", project)
	}
	for _, node := range []string{"nodes/*", "nomad"} {
		left, err := filepath.Glob(filepath.Join(ts.Getenv("DEV"), "data", node, "cache", args[0]))
		ts.Check(err)
		if len(left) > 0 {
			ts.Fatalf("the disk still has %v", left)
		}
	}
}

// uid FILE: sets $UID to the number that the body saved in FILE ends with.
func uid(ts *testscript.TestScript, _ bool, args []string) {
	fields := strings.Fields(ts.ReadFile(args[0]))
	if len(fields) == 0 {
		ts.Fatalf("%s is empty", args[0])
	}
	ts.Setenv("UID", fields[len(fields)-1])
}

// loadOn start LABEL PATH begins requests, on kept connections and on new ones;
// load stop ends them, prints how many there were and fails if any of them failed.
func loadOn(ts *testscript.TestScript, neg bool, args []string) {
	current := ts.Value("load").(*scriptLoad)
	switch {
	case len(args) == 3 && args[0] == "start":
		target, err := loaded(args[1])
		ts.Check(err)
		current.load = load.Start(context.Background(), target, load.Pages(args[2])...)
		ts.Defer(func() { current.load.Stop() })
	case len(args) == 1 && args[0] == "stop":
		report := current.load.Stop()
		fmt.Fprint(ts.Stdout(), report)
		if report.Failed() > 0 || report.Sent() < 10 {
			ts.Fatalf("%d of %d requests failed:\n%s", report.Failed(), report.Sent(), report)
		}
	default:
		ts.Fatalf("usage: load start LABEL PATH | load stop")
	}
}

// scriptLoad is the load of a script.
type scriptLoad struct{ load *load.Load }

// loaded is the app at https://LABEL.<domain>, for load.
func loaded(label string) (load.Target, error) {
	client, err := cluster.Router()
	if err != nil {
		return load.Target{}, err
	}
	return load.Target{URL: cluster.URL(label), Transport: client.Transport.(*http.Transport)}, nil
}
