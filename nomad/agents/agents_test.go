package agents

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl"
	"go.yaml.in/yaml/v4"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
)

// Every template renders to something that its language can read, whatever the
// values are.
func TestRenderParses(t *testing.T) {
	const nasty = `/srv/a b"c: #%{y}\z`
	volume := []HostVolume{{Name: "v", Path: nasty, ReadOnly: true}}
	for _, server := range []bool{true, false} {
		checkHCL(t, "consul")(Consul(ConsulAgent{Server: server, NodeName: "n", Address: "127.0.0.1", DataDir: nasty,
			Join: []string{"a", "b"}, InitialManagementToken: "i", AgentToken: "a", GossipKey: "g"}))
		checkHCL(t, "nomad")(Nomad(NomadAgent{Server: server, NodeName: "n", Address: "127.0.0.1", DataDir: nasty,
			Servers: []string{"a:1", "b:2"}, RootFS: nasty, HostVolumes: volume}))
	}
	checkHCL(t, "vault")(Vault(VaultServer{NodeName: "n", Address: "a:1", ClusterAddress: "a:2", DataDir: nasty}))
	checkYAML(t, "loki")(Loki(LokiServer{Address: "127.0.0.1", HTTPPort: 1, GRPCPort: 2, DataDir: nasty}))
	proxy := TraefikProxy{TLSEntry: ":443", RedirectEntry: ":80", RedirectTo: ":443", APIEntry: ":81",
		DynamicFile: nasty, AccessLog: nasty, CertFile: nasty, KeyFile: nasty}
	checkYAML(t, "traefik")(Traefik(proxy))
	proxy.RedirectEntry = ""
	checkYAML(t, "traefik without redirect")(Traefik(proxy))
	checkYAML(t, "traefik dynamic")(TraefikDynamic(proxy))
}

// Jobs name the network that nodes have.
func TestNetworkOfJobs(t *testing.T) {
	p := &ir.Project{Name: "p", Python: "3.11", Servers: []ir.Server{{Name: "default", Size: "s", Region: "us-west", Count: 1}}}
	p.Functions = []ir.Function{{Name: "f", File: "app.py", Power: ir.PowerTaskWorker, TaskWorker: &ir.TaskWorker{}}}
	job, err := jobs.Build(p, jobs.Release{Tree: "sha256:0", Layer: "0", UID: 700001}, jobs.DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	if mode := job.TaskGroups[0].Networks[0].Mode; mode != "cni/"+NetworkName {
		t.Errorf("jobs ask for %q, nodes have %q", mode, NetworkName)
	}
}

// What allocations reach is reviewed as the machine reads it.
func TestNetworkGolden(t *testing.T) {
	n := AllocationNetwork{
		Addresses: netip.MustParsePrefix("198.19.16.0/20"), Store: "/var/lib/fngen/addresses", MTU: 1500, IPv6: true,
		Doors: []Door{
			{Protocol: "tcp", Port: 443, To: netip.MustParseAddrPort("127.0.0.1:443")},
			{Protocol: "tcp", Port: 5672, To: netip.MustParseAddrPort("10.0.0.7:5672")},
			{Protocol: "udp", Port: 53, To: netip.MustParseAddrPort("127.0.0.53:53")},
		},
		Refused: []netip.Prefix{netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("10.0.0.0/16")},
		Entries: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:443"), netip.MustParseAddrPort("0.0.0.0:80")},
	}
	for name, render := range map[string]func(AllocationNetwork) ([]byte, error){"iptables.rules": Rules, "cni.conflist": CNI} {
		got, err := render(n)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s differs (-want +got), run with -update to accept:\n%s", file, diff)
		}
	}
	list, err := CNI(AllocationNetwork{Addresses: n.Addresses})
	if err != nil || !json.Valid(list) || bytes.Contains(list, []byte("ipv6")) {
		t.Errorf("without IPv6: %v\n%s", err, list)
	}
}

var update = flag.Bool("update", false, "rewrite the golden files")

// A client is told about identities by its server; only a server may say so.
func TestServerOnlyBlocks(t *testing.T) {
	client, err := Nomad(NomadAgent{})
	if err != nil {
		t.Fatal(err)
	}
	server, err := Nomad(NomadAgent{Server: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range []string{"service_identity", "task_identity", "default_identity", "bootstrap_expect"} {
		if strings.Contains(string(client), block) || !strings.Contains(string(server), block) {
			t.Errorf("%s belongs to servers only", block)
		}
	}
}

// Nomad cuts a kill timeout that its client does not allow, and says nothing.
func TestKillTimeoutIsAllowed(t *testing.T) {
	raw, err := Nomad(NomadAgent{})
	if err != nil {
		t.Fatal(err)
	}
	var agent struct {
		Client struct {
			MaxKillTimeout string `hcl:"max_kill_timeout"`
		}
	}
	if err := hcl.Decode(&agent, string(raw)); err != nil {
		t.Fatal(err)
	}
	allowed, err := time.ParseDuration(agent.Client.MaxKillTimeout)
	if err != nil || allowed < jobs.MaxKillTimeout {
		t.Errorf("max_kill_timeout is %q, jobs ask for %s: %v", agent.Client.MaxKillTimeout, jobs.MaxKillTimeout, err)
	}
}

func checkHCL(t *testing.T, name string) func([]byte, error) {
	return func(raw []byte, err error) {
		t.Helper()
		if err == nil {
			_, err = hcl.ParseBytes(raw)
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, raw)
		}
	}
}

func checkYAML(t *testing.T, name string) func([]byte, error) {
	return func(raw []byte, err error) {
		t.Helper()
		var v any
		if err == nil {
			err = yaml.Unmarshal(raw, &v)
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, raw)
		}
	}
}
