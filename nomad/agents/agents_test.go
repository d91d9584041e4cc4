package agents

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl"
	"go.yaml.in/yaml/v4"

	"fngen.dev/fngen/jobs"
)

// Every template renders to something that its language can read, whatever the
// values are.
func TestRenderParses(t *testing.T) {
	const nasty = `/srv/a b"c: #%{y}\z`
	volume := []HostVolume{{Name: "v", Path: nasty, ReadOnly: true}}
	for _, server := range []bool{true, false} {
		checkHCL(t, "consul")(Consul(ConsulAgent{Server: server, NodeName: "n", Address: "127.0.0.1", DataDir: nasty,
			Join: []string{"a", "b"}, InitialManagementToken: "i", AgentToken: "a"}))
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
