//go:build linux

// Package network prepares a machine for allocations that have networks of their
// own: the rules, the list of plugins (CNI) that Nomad runs for each, and what the
// kernel must allow. All of it may be done again at any time, and undone.
//
// The rules stand in chains of our own, which are replaced as a whole, so that what
// else is on the machine keeps its rules and a change of ours has no moment without.
package network

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"fngen.dev/fngen/nomad/agents"
)

// Plugins is where Debian's containernetworking-plugins are.
const Plugins = "/usr/lib/cni"

// LinkLocal is where clouds tell a machine what it is and may.
var LinkLocal = netip.MustParsePrefix("169.254.0.0/16")

// Node is the network of one machine's allocations. Several Nomad clients of one
// machine share it.
type Node struct {
	agents.AllocationNetwork
	// Dir holds all that is written down.
	Dir string
}

// At is the network that keeps its things in dir.
func At(dir string, n agents.AllocationNetwork) Node {
	n.Store = filepath.Join(dir, "addresses")
	_, err := os.Stat("/proc/sys/net/ipv6")
	n.IPv6 = err == nil
	return Node{AllocationNetwork: n, Dir: dir}
}

// ConfigDir is what Nomad reads as cni_config_dir.
func (n Node) ConfigDir() string { return filepath.Join(n.Dir, "cni") }

// jumps lead to our chains, from the first place of the kernel's.
var jumps = []struct{ table, from, to string }{
	{"raw", "PREROUTING", "FNGEN-RAW"},
	{"nat", "PREROUTING", "FNGEN-DOORS"},
	{"nat", "POSTROUTING", "FNGEN-MASQUERADE"},
	{"filter", "INPUT", "FNGEN-INPUT"},
	// Before FNGEN-INPUT, which accepts what allocations send to the router.
	{"filter", "INPUT", "FNGEN-ENTRY"},
	{"filter", "FORWARD", "FNGEN-FORWARD"},
}

// Apply brings the machine to what n says.
func (n Node) Apply(ctx context.Context) error {
	if err := n.writeConfig(); err != nil {
		return err
	}
	rules, err := agents.Rules(n.AllocationNetwork)
	if err != nil {
		return err
	}
	if err := run(ctx, rules, "iptables-restore", "--noflush", "--wait", "10"); err != nil {
		return fmt.Errorf("%w\nwithout these rules functions could reach the machine that they run on, so that none is started: "+
			"the kernel needs nftables or iptables with conntrack, NAT, REJECT and connlimit (docs/operating.md, The network of a node)", err)
	}
	for _, j := range jumps {
		if iptables(ctx, j.table, "-C", j.from, "-j", j.to) == nil {
			continue
		}
		if err := iptables(ctx, j.table, "-I", j.from, "-j", j.to); err != nil {
			return err
		}
	}
	// What is sent to an allocation that is gone fails at once; else it would leave by
	// the machine's default route.
	if err := run(ctx, nil, "ip", "route", "replace", "unreachable", n.Addresses.Masked().String()); err != nil {
		return err
	}
	return n.setKernel()
}

func (n Node) writeConfig() error {
	list, err := agents.CNI(n.AllocationNetwork)
	if err != nil {
		return err
	}
	for _, dir := range []string{n.ConfigDir(), n.Store} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("create %s: %w", dir, err)
		}
	}
	path := n.list()
	if err := os.WriteFile(path+".tmp", list, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(path+".tmp", path)
}

func (n Node) list() string { return filepath.Join(n.ConfigDir(), n.Name()+".conflist") }

// Remove undoes Apply.
func (n Node) Remove(ctx context.Context) error {
	for _, j := range jumps {
		for iptables(ctx, j.table, "-D", j.from, "-j", j.to) == nil { // there may be two after a crash
		}
	}
	var errs []error
	for table, names := range chains {
		for _, verb := range []string{"-F", "-X"} { // some lead to others: all are emptied first
			for _, name := range names {
				if iptables(ctx, table, "-L", name, "-n") == nil {
					errs = append(errs, iptables(ctx, table, verb, name))
				}
			}
		}
	}
	// It is gone when it was never there.
	_ = run(ctx, nil, "ip", "route", "del", "unreachable", n.Addresses.Masked().String())
	return errors.Join(append(errs, n.restoreKernel())...)
}

// chains are those of the template.
var chains = map[string][]string{
	"raw":    {"FNGEN-RAW"},
	"nat":    {"FNGEN-DOORS", "FNGEN-MASQUERADE"},
	"filter": {"FNGEN-ENTRY", "FNGEN-INPUT", "FNGEN-FORWARD", "FNGEN-OUTWARD", "FNGEN-INWARD"},
}

func iptables(ctx context.Context, table string, args ...string) error {
	return run(ctx, nil, "iptables", append([]string{"--wait", "10", "-t", table}, args...)...)
}

func run(ctx context.Context, input []byte, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = bytes.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run %s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
