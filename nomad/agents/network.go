package agents

import "net/netip"

// NetworkName is how jobs ask for a network of their own: mode "cni/fngen".
const NetworkName = "fngen"

// AllocationNetwork is what a node gives its allocations in place of its own
// network: each has a namespace with one address, and all its packets are routed,
// and so ruled, by the node.
type AllocationNetwork struct {
	// Addresses are those of the allocations of this node. Nobody routes to them, so
	// that all nodes may have the same.
	Addresses netip.Prefix
	// Store is the directory in which it is written who has which address.
	Store string
	MTU   int
	// IPv6 says that the kernel has it. Allocations have none: every rule would have to
	// be there twice, and each link has an address of the node that listens to all.
	IPv6 bool
	// Doors are what of the platform an allocation reaches.
	Doors []Door
	// Refused are the networks that it does not: the platform's own, and where
	// clouds give out what a machine is and may.
	Refused []netip.Prefix
	// Entries are where the router of this machine listens, if it has one. The address
	// may be unspecified.
	Entries []netip.AddrPort
}

// Door is a port of Gateway that leads to a server of the platform.
type Door struct {
	Protocol string // tcp or udp
	Port     uint16
	To       netip.AddrPort
}

// Gateway is the node as its allocations see it.
func (n AllocationNetwork) Gateway() netip.Addr { return n.Addresses.Masked().Addr().Next() }

// Name is NetworkName, for the template.
func (AllocationNetwork) Name() string { return NetworkName }

// CNI renders the list of plugins that make an allocation's network.
func CNI(n AllocationNetwork) ([]byte, error) { return render("cni.conflist.tmpl", n) }

// Rules renders what iptables-restore is to read.
func Rules(n AllocationNetwork) ([]byte, error) { return render("iptables.rules.tmpl", n) }
