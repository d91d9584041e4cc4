//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"fngen.dev/fngen/nomad/dev/build"
	"fngen.dev/fngen/nomad/dev/certs"
	"fngen.dev/fngen/nomad/dev/layout"
	"fngen.dev/fngen/nomad/dev/preflight"
	"fngen.dev/fngen/nomad/dev/provision"
)

const jwks = "/.well-known/jwks.json"

// up brings the cluster to the state that the checkout describes. What runs
// already and did not change is left alone.
func (c *cluster) up(ctx context.Context) error {
	var err error
	if c.servers, err = build.Find(ctx, c.Layout); err != nil {
		return err
	}
	if err := preflight.Packages(ctx, c.Layout, c.pythons, c.out.line); err != nil {
		return err
	}
	if err := preflight.Check(ctx, c.Layout, len(c.servers.Missing()) > 0, c.ports()); err != nil {
		return fmt.Errorf("this machine is not ready:\n%w", err)
	}
	preflight.Kernel(c.out.line)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.servers.Build(ctx, c.out.line)
	if err := c.prepare(); err != nil {
		return err
	}
	var rest errgroup.Group // nobody waits for these to start
	rest.Go(c.servers.Wait)
	rest.Go(func() error { return c.loki(ctx) })
	rest.Go(func() error { return c.rabbitmq(ctx) })
	if err := c.startCore(ctx); err != nil {
		cancel()
		_ = rest.Wait() // what ended first is the cause
		return err
	}
	return rest.Wait()
}

// startCore starts what a push needs, and pushes.
func (c *cluster) startCore(ctx context.Context) error {
	var k provision.Kit
	// Not one group with a shared context: a compile error of a program is no
	// reason to break off the start of a server.
	var group errgroup.Group
	group.Go(func() error { return c.startServers(ctx) })
	group.Go(func() (err error) { k, err = c.prepareKit(ctx); return err })
	if err := group.Wait(); err != nil {
		return err
	}
	return c.startPlatform(ctx, k)
}

// prepareKit builds the project's own programs and what nodes offer to tasks.
func (c *cluster) prepareKit(ctx context.Context) (provision.Kit, error) {
	if err := c.buildBinaries(ctx); err != nil {
		return provision.Kit{}, err
	}
	return provision.Prepare(ctx, c.Layout, c.pythons, certs.In(c.TLS()).CA, c.out.line)
}

// startPlatform starts the control plane and lets a person in.
func (c *cluster) startPlatform(ctx context.Context, k provision.Kit) error {
	if err := c.deployFngend(ctx, k); err != nil {
		return err
	}
	key, err := c.apiAccess(ctx)
	if err != nil {
		return err
	}
	if err := c.writeEnv(ctx, key); err != nil {
		return err
	}
	return c.pushHello(ctx, key)
}

// ports are all that must be free, or held by our own.
func (c *cluster) ports() []preflight.Port {
	ports := []preflight.Port{
		{Addr: c.ingress, Server: "traefik", Variable: "FNGEN_INGRESS"},
		{Addr: layout.Addr(layout.TraefikAPIPort), Server: "traefik"},
		{Addr: layout.Addr(layout.ConsulPort), Server: "consul"},
		{Addr: layout.Addr(layout.NomadPort), Server: "nomad"},
		{Addr: layout.Addr(layout.NomadRPCPort), Server: "nomad"},
		{Addr: layout.Addr(layout.VaultPort), Server: "vault"},
		{Addr: layout.Addr(layout.VaultRaftPort), Server: "vault"},
		{Addr: layout.Addr(layout.LokiPort), Server: "loki"},
		{Addr: layout.Addr(layout.LokiGRPCPort), Server: "loki"},
		{Addr: layout.Addr(layout.RabbitPort), Server: "rabbitmq"},
		{Addr: layout.Addr(layout.RabbitAdminPort), Server: "rabbitmq"},
		{Addr: layout.Addr(layout.RabbitDistPort), Server: "rabbitmq"},
	}
	for _, n := range c.fleet {
		addr := layout.NodeAddress(n.N)
		ports = append(ports,
			preflight.Port{Addr: net.JoinHostPort(addr, "8500"), Server: "consul-" + n.Name()},
			preflight.Port{Addr: net.JoinHostPort(addr, "4646"), Server: "nomad-" + n.Name()})
	}
	return ports
}

// prepare makes the files that servers read at their start.
func (c *cluster) prepare() error {
	for _, dir := range []string{c.DataRoot(), c.Fngend(), c.TLS()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("create %s: %w", dir, err)
		}
	}
	if _, err := certs.Ensure(c.TLS(), layout.Domain, time.Now()); err != nil {
		return err
	}
	for _, role := range []string{certs.NomadServer, certs.NomadClient} {
		if _, err := certs.Nomad(c.NomadTLS(), role, time.Now()); err != nil {
			return err
		}
	}
	files, err := c.taskFiles()
	if err != nil {
		return err
	}
	return provision.RootFS(c.RootFS(), files)
}

// startServers starts each server when it is built and those that it needs are
// healthy.
func (c *cluster) startServers(ctx context.Context) error {
	if err := c.consulServer(ctx); err != nil {
		return err
	}
	if err := c.startNomad(ctx); err != nil {
		return err
	}
	return c.traefik(ctx)
}

func (c *cluster) startNomad(ctx context.Context) error {
	if err := c.startNetwork(ctx); err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.vaultServer(groupCtx) })
	group.Go(func() error { return c.nomadServer(groupCtx) })
	if err := group.Wait(); err != nil {
		return err
	}
	if err := c.retire(ctx); err != nil {
		return err
	}
	// Workloads of a restarted node log in at once, so that all they need
	// comes before the nodes.
	if err := c.bootstrap(ctx); err != nil {
		return err
	}
	return c.nodes(ctx)
}

func (c *cluster) bootstrap(ctx context.Context) error {
	url := layout.HTTP(layout.NomadPort) + jwks
	for _, step := range []func(context.Context) error{
		c.nomad.Prepare,
		func(ctx context.Context) error { return c.consul.WorkloadIdentity(ctx, url) },
		c.vault.Mounts,
		func(ctx context.Context) error { return c.vault.TrustNomad(ctx, url) },
		c.vault.Fngend,
		c.vault.Projects,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}
