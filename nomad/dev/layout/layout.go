// Package layout says where the one-machine cluster keeps its things and on
// which addresses it listens. It is the only place that knows either.
//
// Everything that the cluster writes is below .dev of the checkout, except what
// can be shared between checkouts and made again (built servers, uv), which is
// in the user's cache directory.
package layout

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
)

// Loopback is the address of every server and of the platform node.
const Loopback = "127.0.0.1"

// Domain is below localhost, which resolves to the loopback address everywhere.
const Domain = "fngen.localhost"

// Allocations is where allocations get their addresses from, in networks of their
// own: a part of the range for measurements (RFC 2544), which nobody routes.
var Allocations = netip.MustParsePrefix("198.19.16.0/20")

// Fixed ports, all on Loopback unless they belong to a node.
const (
	ConsulPort      = 8500
	NomadPort       = 4646
	NomadRPCPort    = 4647
	VaultPort       = 8200
	VaultRaftPort   = 8201
	LokiPort        = 3100
	LokiGRPCPort    = 3101
	RabbitPort      = 5672
	RabbitAdminPort = 15672
	RabbitDistPort  = 25672
	EpmdPort        = 4369
	TraefikAPIPort  = 8081
)

// Layout is the directories of one checkout's cluster.
type Layout struct {
	// Root is the checkout.
	Root string
	// Cache is the directory for what several checkouts share.
	Cache string
}

// Find returns the layout of the checkout that holds the working directory.
func Find() (Layout, error) {
	dir, err := os.Getwd()
	if err != nil {
		return Layout{}, fmt.Errorf("read working directory: %w", err)
	}
	for root := dir; ; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "nomad", "dev", "tools")); err == nil {
			cache, err := os.UserCacheDir()
			if err != nil {
				return Layout{}, fmt.Errorf("find cache directory (set XDG_CACHE_HOME or HOME): %w", err)
			}
			return Layout{Root: root, Cache: filepath.Join(cache, "fngen")}, nil
		}
		if root == filepath.Dir(root) {
			return Layout{}, fmt.Errorf("%s is not inside a checkout of fngen: run make in the checkout", dir)
		}
	}
}

// Dev is the directory of all state.
func (l Layout) Dev() string { return filepath.Join(l.Root, ".dev") }

// Bin holds the project's own binaries.
func (l Layout) Bin() string { return filepath.Join(l.Root, "bin") }

// OperatorBin holds links to the servers' own command lines.
func (l Layout) OperatorBin() string { return filepath.Join(l.Dev(), "bin") }

// Data is the data directory of a server.
func (l Layout) Data(server string) string { return filepath.Join(l.Dev(), "data", server) }

// DataRoot is the parent of all data directories.
func (l Layout) DataRoot() string { return filepath.Join(l.Dev(), "data") }

// Log is the log file of a server.
func (l Layout) Log(server string) string { return filepath.Join(l.Dev(), "logs", server+".log") }

// Run holds one JSON file per running process.
func (l Layout) Run() string { return filepath.Join(l.Dev(), "run") }

// Secrets holds tokens and keys, one file each.
func (l Layout) Secrets() string { return filepath.Join(l.Dev(), "secrets") }

// EnvFile is what a person sources.
func (l Layout) EnvFile() string { return filepath.Join(l.Dev(), "env.sh") }

// Kit is what a task sees as /opt/fngen.
func (l Layout) Kit() string { return filepath.Join(l.Dev(), "node") }

// RootFS becomes "/" of a task.
func (l Layout) RootFS() string { return l.Data("rootfs") }

// TLS holds the local certificate authority and its certificate.
func (l Layout) TLS() string { return l.Data("tls") }

// NomadTLS holds the authority of Nomad's agents and their certificates.
func (l Layout) NomadTLS() string { return l.Data("tls-nomad") }

// Network is what is written down of the networks of allocations.
func (l Layout) Network() string { return l.Data("network") }

// Fngend is the data directory of the control plane.
func (l Layout) Fngend() string { return l.Data("fngend") }

// Tool is the folder that pins a server.
func (l Layout) Tool(name string) string {
	return filepath.Join(l.Root, "nomad", "dev", "tools", name)
}

// HTTP is the URL of a port on Loopback.
func HTTP(port int) string { return fmt.Sprintf("http://%s:%d", Loopback, port) }

// Addr is host:port of a port on Loopback.
func Addr(port int) string { return fmt.Sprintf("%s:%d", Loopback, port) }

// NodeAddress is the loopback address of simulated server n, which counts from 1.
func NodeAddress(n int) string { return fmt.Sprintf("127.0.10.%d", n) }
