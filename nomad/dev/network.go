//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"fngen.dev/fngen/nomad/agents"
	"fngen.dev/fngen/nomad/agents/network"
	"fngen.dev/fngen/nomad/dev/layout"
	"fngen.dev/fngen/nomad/dev/process"
)

// resolvConf says who resolves names for this machine.
const resolvConf = "/etc/resolv.conf"

// network is that of the allocations of all simulated servers. All of the platform
// is on loopback addresses, which are an allocation's own in its namespace: it
// reaches what has a door, and no more.
func (c *cluster) network() (network.Node, error) {
	ingress, err := net.ResolveTCPAddr("tcp4", c.ingress)
	if err != nil {
		return network.Node{}, fmt.Errorf("FNGEN_INGRESS %q: %w; functions reach the API there, and have IPv4 only", c.ingress, err)
	}
	to := netip.AddrPortFrom(ingress.AddrPort().Addr().Unmap(), ingress.AddrPort().Port())
	entry := to
	if to.Addr().IsUnspecified() {
		to = netip.AddrPortFrom(loopback, to.Port())
	}
	doors := []agents.Door{
		{Protocol: "tcp", Port: to.Port(), To: to},
		{Protocol: "tcp", Port: layout.RabbitPort, To: netip.AddrPortFrom(loopback, layout.RabbitPort)},
	}
	resolver, err := localResolver()
	if err != nil {
		return network.Node{}, err
	}
	if resolver.IsValid() {
		to := netip.AddrPortFrom(resolver, 53)
		doors = append(doors, agents.Door{Protocol: "udp", Port: 53, To: to}, agents.Door{Protocol: "tcp", Port: 53, To: to})
	}
	return network.At(c.Network(), agents.AllocationNetwork{
		Addresses: layout.Allocations, MTU: mtu(), Doors: doors, Refused: []netip.Prefix{network.LinkLocal},
		Entries: []netip.AddrPort{entry},
	}), nil
}

var loopback = netip.MustParseAddr(layout.Loopback)

// startNetwork sets the rules and all else that allocations need before they start.
func (c *cluster) startNetwork(ctx context.Context) error {
	n, err := c.network()
	if err != nil {
		return err
	}
	return n.Apply(ctx)
}

// removeNetwork undoes all of it. Nothing of the cluster runs any more.
func (c *cluster) removeNetwork(ctx context.Context) error {
	n, err := c.network()
	if err != nil {
		return err
	}
	ids, err := n.Holders()
	if err != nil {
		return err
	}
	return errors.Join(c.clearNetworks(ctx, c.DataRoot(), ids...), n.Remove(ctx))
}

// clearNetworks takes away those of the allocations of Nomad agents below dir, and of
// others. None of them runs.
func (c *cluster) clearNetworks(ctx context.Context, dir string, others ...string) error {
	n, err := c.network()
	if err != nil {
		return err
	}
	ids, err := process.Allocations(dir)
	if err != nil {
		return err
	}
	ids = append(ids, others...)
	slices.Sort(ids)
	return n.Clear(ctx, slices.Compact(ids))
}

// localResolver is the name server of this machine when only the machine itself can
// reach it, at a loopback address.
func localResolver() (netip.Addr, error) {
	raw, err := os.ReadFile(resolvConf)
	if errors.Is(err, os.ErrNotExist) {
		return netip.Addr{}, nil
	}
	if err != nil {
		return netip.Addr{}, fmt.Errorf("read name servers: %w", err)
	}
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		if addr, err := netip.ParseAddr(fields[1]); err == nil && addr.Is4() {
			if addr.IsLoopback() {
				return addr, nil
			}
			return netip.Addr{}, nil // the first one that an allocation can ask
		}
	}
	return netip.Addr{}, nil
}

// mtu is the least of the machine's links: what allocations send has to fit them.
func mtu() int {
	least := 1500
	links, _ := net.Interfaces() // without: the usual one
	for _, l := range links {
		if l.Flags&net.FlagUp != 0 && l.Flags&net.FlagLoopback == 0 && l.MTU >= 576 {
			least = min(least, l.MTU)
		}
	}
	return least
}

// taskFiles are files that differ in an allocation from those of the machine: where
// the API is, and who resolves names.
func (c *cluster) taskFiles() (map[string]string, error) {
	n, err := c.network()
	if err != nil {
		return nil, err
	}
	gateway := n.Gateway().String()
	files := map[string]string{
		"etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n" +
			gateway + " api." + layout.Domain + " broker." + layout.Domain + " " + layout.Domain + "\n",
	}
	resolver, err := localResolver()
	if err == nil && resolver.IsValid() {
		files["etc/resolv.conf"] = "nameserver " + gateway + "\n"
	}
	return files, err
}
