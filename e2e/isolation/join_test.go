//go:build linux

// Package isolation does what a stranger with an account would do to others and to the
// platform, from inside of functions and builds, and as a neighbour in the network.
package isolation

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	consul "github.com/hashicorp/consul/api"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
	"fngen.dev/fngen/nomad/dev/certs"
	"fngen.dev/fngen/nomad/dev/layout"
)

// strangersAddress is where a stranger's server listens.
const strangersAddress = "127.0.30.1"

func TestMain(m *testing.M) { e2etest.Main(m) }

// TestStrangersDoNotJoin has somebody run servers of his own who has reached the
// platform's, which functions do not: what rules of a network hold back must not be
// open behind them.
func TestStrangersDoNotJoin(t *testing.T) {
	cluster.Require(t)
	t.Parallel()
	t.Run("nomad", func(t *testing.T) { joinNomad(t, "") })
	t.Run("nomad, with a stolen certificate", func(t *testing.T) {
		f := certs.NomadIn(e2etest.InCheckout(t, ".dev/data/tls-nomad"), certs.NomadClient)
		joinNomad(t, fmt.Sprintf("tls {\n rpc = true\n verify_server_hostname = true\n ca_file = %q\n cert_file = %q\n key_file = %q\n}\n", f.CA, f.Cert, f.Key))
	})
	t.Run("consul", joinConsul)
}

// joinNomad runs a client until the server has refused it.
func joinNomad(t *testing.T, tls string) {
	name, dir := e2etest.RandomName(), t.TempDir()
	check(t, os.WriteFile(dir+"/agent.hcl", []byte(fmt.Sprintf(`name = %[1]q
data_dir  = %[2]q
bind_addr = %[3]q
datacenter = "us-west"
advertise {
  http = %[3]q
  rpc  = %[3]q
  serf = %[3]q
}
client {
  enabled    = true
  node_class = "s"
  servers    = [%[4]q]
  network_interface = "lo"
  options {
    "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean"
  }
}
%[5]s`, name, dir, strangersAddress, layout.Addr(layout.NomadRPCPort), tls)), 0o600))
	log := stranger(t, "nomad", "agent", "-config", dir+"/agent.hcl")
	settled := e2etest.Eventually(func() bool { return strings.Contains(log(), "error registering") || joined(t, name) })
	if joined(t, name) {
		t.Errorf("%s is a node of the cluster", name)
	} else if !settled {
		t.Errorf("nobody refuses it:\n%s", log())
	}
}

func joined(t *testing.T, name string) bool {
	nodes, _, err := e2etest.NomadClient(t).Nodes().List(nil)
	check(t, err)
	for _, n := range nodes {
		if n.Name == name {
			t.Cleanup(func() { _, _, _ = e2etest.NomadClient(t).Nodes().Purge(n.ID, nil) })
			return true
		}
	}
	return false
}

// joinConsul runs an agent that asks the server to let it take part in the gossip.
func joinConsul(t *testing.T) {
	name := e2etest.RandomName()
	log := stranger(t, "consul", "agent", "-node", name, "-bind", strangersAddress, "-client", strangersAddress,
		"-data-dir", t.TempDir(), "-retry-join", layout.Loopback, "-retry-interval", "1s")
	client, err := consul.NewClient(consul.DefaultConfig())
	check(t, err)
	member := func() bool {
		members, err := client.Agent().Members(false)
		check(t, err)
		for _, m := range members {
			if m.Name == name {
				t.Cleanup(func() { _ = client.Agent().ForceLeavePrune(name) })
				return true
			}
		}
		return false
	}
	refused := e2etest.Eventually(func() bool { return strings.Contains(log(), "Join cluster failed") || member() })
	if member() {
		t.Errorf("%s is a member", name)
	} else if !refused {
		t.Errorf("nobody refuses it:\n%s", log())
	}
}

// stranger starts a server, and returns what reads its log.
func stranger(t *testing.T, name string, args ...string) func() string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	out, err := os.Create(path)
	check(t, err)
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	check(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		out.Close()
	})
	return func() string {
		text, err := os.ReadFile(path)
		check(t, err)
		return string(text)
	}
}

// asks has the function of a project do something, and reads its answer into result.
func asks(t *testing.T, p e2etest.Project, what string, arguments url.Values, result any) {
	t.Helper()
	res, err := e2etest.Router(t).Get(cluster.URL(p.Name) + "/" + what + "?" + arguments.Encode())
	check(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	check(t, err)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s is answered by %s: %s", what, res.Status, body)
	}
	if err := json.Unmarshal(body, result); err != nil {
		t.Fatalf("%s is answered by %q: %v", what, body, err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
