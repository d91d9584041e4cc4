//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"fngen.dev/fngen/nomad/agents"
	"fngen.dev/fngen/nomad/agents/network"
	"fngen.dev/fngen/nomad/dev/bootstrap"
	"fngen.dev/fngen/nomad/dev/fleet"
	"fngen.dev/fngen/nomad/dev/layout"
	"fngen.dev/fngen/nomad/dev/process"
)

// The platform node runs fngend and the builds.
const (
	platformClass    = "platform"
	platformMemoryMB = 4096
	platformCPU      = 4000
)

func (c *cluster) nodeNames() []string {
	var names []string
	for _, n := range c.fleet {
		names = append(names, n.Name())
	}
	return names
}

// nodeDir holds the data of one simulated server: nomad, consul and cache.
func (c *cluster) nodeDir(name string) string { return c.Data(filepath.Join("nodes", name)) }

// nomadServer starts the server, which is the platform node too.
func (c *cluster) nomadServer(ctx context.Context) error {
	if err := c.nomadServerAgent(ctx); err != nil {
		return err
	}
	return c.introducePlatform(ctx)
}

func (c *cluster) nomadServerAgent(ctx context.Context) error {
	return c.nomadAgent(ctx, "nomad", c.Data("nomad"), agents.NomadAgent{
		Server: true, NodeName: platformNode, Address: layout.Loopback,
		Datacenter: c.region(), NodeClass: platformClass, MemoryMB: platformMemoryMB, CPUShares: platformCPU,
		HostVolumes: []agents.HostVolume{{Name: "fngend-data", Path: c.Fngend()}},
	}, func(ctx context.Context) error {
		if err := c.nomad.Leader(ctx); err != nil {
			return err
		}
		return c.nomad.AccessControl(ctx)
	})
}

// node starts one simulated server: its address, Consul agent and Nomad client.
func (c *cluster) node(ctx context.Context, n fleet.Node) error {
	addr := layout.NodeAddress(n.N)
	if err := addAddress(ctx, addr); err != nil {
		return err
	}
	if err := c.nodeConsul(ctx, n.Name(), addr); err != nil {
		return err
	}
	return c.nomadAgent(ctx, "nomad-"+n.Name(), c.nodeDir(n.Name()), agents.NomadAgent{
		NodeName: n.Name(), Address: addr, Servers: []string{layout.Addr(layout.NomadRPCPort)},
		Datacenter: n.Region, NodeClass: n.Size.Name, MemoryMB: n.Size.MemoryMB, CPUShares: n.Size.VCPU * 1000,
	}, func(ctx context.Context) error {
		// The server believes in a node for a while after it died: ask both.
		if err := httpOK("http://" + net.JoinHostPort(addr, "4646") + "/v1/agent/health?type=client")(ctx); err != nil {
			return err
		}
		unready, err := c.nomad.Unready(ctx, []string{n.Name()})
		if err == nil && len(unready) > 0 {
			err = errors.New("the node is not ready")
		}
		return err
	})
}

func (c *cluster) nodeConsul(ctx context.Context, name, addr string) error {
	token, err := c.secrets.UUID(bootstrap.ConsulAgent(name))
	if err != nil {
		return err
	}
	dir := filepath.Join(c.nodeDir(name), "consul")
	gossip, err := c.secrets.GossipKey(bootstrap.ConsulGossip)
	if err != nil {
		return err
	}
	config, err := agents.Consul(agents.ConsulAgent{
		NodeName: name, Address: addr, DataDir: filepath.Join(dir, "data"),
		Join: []string{layout.Loopback}, AgentToken: token, GossipKey: gossip,
	})
	if err != nil {
		return err
	}
	s, err := c.builtSpec(ctx, "consul", "consul-"+name, dir, "consul.hcl", config, orderNodeConsul)
	if err != nil {
		return err
	}
	s.Args = []string{"agent", "-config-file", filepath.Join(dir, "consul.hcl")}
	return c.ensure(ctx, s, httpOK("http://"+net.JoinHostPort(addr, "8500")+"/v1/status/leader"))
}

// nomadAgent fills what every agent of the machine has, and starts it.
func (c *cluster) nomadAgent(ctx context.Context, name, dir string, a agents.NomadAgent, ready check) error {
	token, err := c.secrets.UUID(bootstrap.ConsulNomad)
	if err != nil {
		return err
	}
	cache := filepath.Join(dir, "cache")
	a.DataDir, a.RootFS, a.Interface = filepath.Join(dir, "nomad"), c.RootFS(), "lo"
	a.PluginDir, a.NetworkDir = network.Plugins, filepath.Join(c.Network(), "cni")
	a.ConsulAddress = net.JoinHostPort(a.Address, "8500")
	a.ConsulToken, a.VaultAddress = token, layout.HTTP(layout.VaultPort)
	a.HostVolumes = append([]agents.HostVolume{
		{Name: "fngen-usr", Path: "/usr", ReadOnly: true},
		{Name: "fngen-node", Path: c.Kit(), ReadOnly: true},
		{Name: "fngen-cache", Path: cache},
	}, a.HostVolumes...)
	for _, v := range a.HostVolumes { // Nomad refuses to start without one
		if err := os.MkdirAll(v.Path, 0o755); err != nil {
			return fmt.Errorf("create host volume: %w", err)
		}
	}
	cert, err := c.member(&a)
	if err != nil {
		return err
	}
	config, err := agents.Nomad(a)
	if err != nil {
		return err
	}
	order := orderNode
	if a.Server {
		order = orderNomad
	}
	s, err := c.builtSpec(ctx, "nomad", name, dir, "nomad.hcl", config, order)
	if err != nil {
		return err
	}
	s.Config = append(s.Config, cert)
	if err := c.clearLeftovers(ctx, name, dir); err != nil {
		return err
	}
	if !a.Server && !process.Current(c.Run(), s) {
		if err := c.introduce(ctx, dir, a.NodeName); err != nil {
			return err
		}
	}
	s.Args = []string{"agent", "-config", filepath.Join(dir, "nomad.hcl")}
	return c.ensure(ctx, s, ready)
}

// nodes starts the simulated servers, a few at a time.
func (c *cluster) nodes(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, n := range c.fleet {
		group.Go(func() error { return c.node(ctx, n) })
	}
	return group.Wait()
}
