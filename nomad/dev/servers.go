//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"fngen.dev/fngen/nomad/agents"
	"fngen.dev/fngen/nomad/dev/bootstrap"
	"fngen.dev/fngen/nomad/dev/layout"
	"fngen.dev/fngen/nomad/dev/process"
)

// platformNode is the name of the Nomad server's own agent in Nomad and Consul.
const platformNode = "platform"

// The order in which servers stop is the reverse of these.
const (
	orderConsul = iota
	orderEpmd
	orderBackend
	orderNomad
	orderNodeConsul
	orderNode
	orderTraefik
)

// environ is the whole environment of a server. Tasks inherit what Nomad's
// agent has, so that it has nothing of the person who ran make.
func environ(extra ...string) []string {
	return append([]string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG=C.UTF-8", "HOME=/root",
	}, extra...)
}

// spec fills what all servers have in common, and writes the configuration.
func (c *cluster) spec(name, dir, file string, config []byte, order int) (process.Spec, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return process.Spec{}, fmt.Errorf("create %s: %w", dir, err)
	}
	if err := writeFile(filepath.Join(dir, file), config, 0o600); err != nil {
		return process.Spec{}, err
	}
	return process.Spec{
		Name: name, Dir: dir, Env: environ(), Log: c.Log(name), Config: [][]byte{config}, Order: order,
	}, nil
}

// builtSpec is spec for a server that may still be being built, which it waits for.
func (c *cluster) builtSpec(ctx context.Context, tool, name, dir, file string, config []byte, order int) (process.Spec, error) {
	path, err := c.servers.Path(ctx, tool)
	if err != nil {
		return process.Spec{}, err
	}
	s, err := c.spec(name, dir, file, config, order)
	s.Path = path
	return s, err
}

func (c *cluster) consulServer(ctx context.Context) error {
	management, err := c.secrets.UUID(bootstrap.ConsulManagement)
	if err != nil {
		return err
	}
	agent, err := c.secrets.UUID(bootstrap.ConsulAgent(platformNode))
	if err != nil {
		return err
	}
	gossip, err := c.secrets.GossipKey(bootstrap.ConsulGossip)
	if err != nil {
		return err
	}
	dir := c.Data("consul")
	config, err := agents.Consul(agents.ConsulAgent{
		Server: true, NodeName: platformNode, Address: layout.Loopback, DataDir: filepath.Join(dir, "data"),
		InitialManagementToken: management, AgentToken: agent, GossipKey: gossip,
	})
	if err != nil {
		return err
	}
	s, err := c.builtSpec(ctx, "consul", "consul", dir, "consul.hcl", config, orderConsul)
	if err != nil {
		return err
	}
	s.Args = []string{"agent", "-config-file", filepath.Join(dir, "consul.hcl")}
	return c.ensure(ctx, s, func(ctx context.Context) error {
		if err := c.consul.Leader(ctx); err != nil {
			return err
		}
		return c.consul.Tokens(ctx, append(c.nodeNames(), platformNode))
	})
}

func (c *cluster) vaultServer(ctx context.Context) error {
	dir := c.Data("vault")
	data := filepath.Join(dir, "data")
	config, err := agents.Vault(agents.VaultServer{
		NodeName: "vault", Address: layout.Addr(layout.VaultPort),
		ClusterAddress: layout.Addr(layout.VaultRaftPort), DataDir: data,
	})
	if err != nil {
		return err
	}
	s, err := c.builtSpec(ctx, "vault", "vault", dir, "vault.hcl", config, orderBackend)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("create %s: %w", data, err)
	}
	s.Args = []string{"server", "-config", filepath.Join(dir, "vault.hcl")}
	return c.ensure(ctx, s, c.vault.Open)
}

func (c *cluster) loki(ctx context.Context) error {
	dir := c.Data("loki")
	config, err := agents.Loki(agents.LokiServer{
		Address: layout.Loopback, HTTPPort: layout.LokiPort, GRPCPort: layout.LokiGRPCPort,
		DataDir: filepath.Join(dir, "data"),
	})
	if err != nil {
		return err
	}
	s, err := c.builtSpec(ctx, "loki", "loki", dir, "loki.yaml", config, orderBackend)
	if err != nil {
		return err
	}
	s.Args = []string{"-config.file", filepath.Join(dir, "loki.yaml")}
	return c.ensure(ctx, s, httpOK(layout.HTTP(layout.LokiPort)+"/ready"))
}

func (c *cluster) traefik(ctx context.Context) error {
	token, err := c.secrets.UUID(bootstrap.ConsulTraefik)
	if err != nil {
		return err
	}
	dir, tls := c.Data("traefik"), c.TLS()
	proxy := agents.TraefikProxy{
		TLSEntry: c.ingress, RedirectEntry: c.redirectEntry(), RedirectTo: c.redirectTo(),
		APIEntry: layout.Addr(layout.TraefikAPIPort), ConsulAddress: layout.Addr(layout.ConsulPort),
		ConsulToken: token, DynamicFile: filepath.Join(dir, "dynamic.yaml"),
		AccessLog: c.Log("access"), CertFile: filepath.Join(tls, "cert.pem"), KeyFile: filepath.Join(tls, "key.pem"),
	}
	dynamic, err := agents.TraefikDynamic(proxy)
	if err != nil {
		return err
	}
	config, err := agents.Traefik(proxy)
	if err != nil {
		return err
	}
	s, err := c.builtSpec(ctx, "traefik", "traefik", dir, "traefik.yaml", config, orderTraefik)
	if err != nil {
		return err
	}
	if err := writeFile(proxy.DynamicFile, dynamic, 0o600); err != nil {
		return err
	}
	cert, err := os.ReadFile(proxy.CertFile)
	if err != nil {
		return fmt.Errorf("read certificate: %w", err)
	}
	s.Config = append(s.Config, dynamic, cert) // a renewed certificate is a restart
	s.Args = []string{"--configFile=" + filepath.Join(dir, "traefik.yaml")}
	return c.ensure(ctx, s, httpOK(layout.HTTP(layout.TraefikAPIPort)+"/ping"))
}

// redirectEntry is port 80 when nobody else has it: a convenience for a person
// who types the name without https.
func (c *cluster) redirectEntry() string {
	host, _, _ := net.SplitHostPort(c.ingress) // checked by open
	addr := net.JoinHostPort(host, "80")
	if addr == c.ingress {
		return ""
	}
	if process.Free(addr) {
		return addr
	}
	if r, ours := process.Load(c.Run(), "traefik"); ours && process.HolderOf(addr).PID == r.PID {
		return addr
	}
	return ""
}

func (c *cluster) redirectTo() string {
	_, port, _ := net.SplitHostPort(c.ingress) // checked by open
	return ":" + port
}

// writeFile replaces a file as a whole.
func writeFile(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("create %s: %w", filepath.Dir(path), err)
	}
	if err := os.WriteFile(path+".tmp", data, mode); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(path+".tmp", path)
}
