//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"fngen.dev/fngen/nomad/dev/bootstrap"
	"fngen.dev/fngen/nomad/dev/build"
	"fngen.dev/fngen/nomad/dev/fleet"
	"fngen.dev/fngen/nomad/dev/layout"
	"fngen.dev/fngen/nomad/dev/provision"
	"fngen.dev/fngen/nomad/dev/secrets"
)

// cluster is what all commands work on.
type cluster struct {
	layout.Layout
	secrets secrets.Store
	fleet   []fleet.Node
	// ingress is host:port of Traefik's TLS entry.
	ingress string
	pythons provision.Wanted
	servers *build.Servers
	out     *printer

	consul *bootstrap.Consul
	nomad  *bootstrap.Nomad
	vault  *bootstrap.Vault
}

// open reads the settings. It starts and writes nothing.
func open() (*cluster, error) {
	l, err := layout.Find()
	if err != nil {
		return nil, err
	}
	nodes, err := fleet.Parse(envOr("FNGEN_FLEET", fleet.Default))
	if err != nil {
		return nil, err
	}
	ingress := envOr("FNGEN_INGRESS", layout.Addr(443))
	if _, _, err := net.SplitHostPort(ingress); err != nil {
		return nil, fmt.Errorf("FNGEN_INGRESS %q: want host:port, such as 127.0.0.1:8443", ingress)
	}
	pythons, err := provision.ParseWanted(envOr("FNGEN_PYTHONS", ""))
	if err != nil {
		return nil, err
	}
	c := &cluster{Layout: l, fleet: nodes, ingress: ingress, pythons: pythons, out: &printer{start: time.Now()}}
	return c, nil
}

// connect opens the secrets' folder and makes the clients of the servers.
func (c *cluster) connect() (err error) {
	if c.secrets, err = secrets.Open(c.Secrets()); err != nil {
		return err
	}
	s := c.secrets
	if c.consul, err = bootstrap.NewConsul(layout.HTTP(layout.ConsulPort), s); err != nil {
		return err
	}
	if c.nomad, err = bootstrap.NewNomad(layout.HTTP(layout.NomadPort), s); err != nil {
		return err
	}
	c.vault, err = bootstrap.NewVault(layout.HTTP(layout.VaultPort), s)
	return err
}

// locked runs f while no other make changes the cluster of this checkout.
func (c *cluster) locked(ctx context.Context, f func(context.Context) error) error {
	if err := c.connect(); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(c.Dev(), "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open lock: %w", err)
	}
	defer lock.Close()
	if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		c.out.line("waiting for another make in this checkout")
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
			return fmt.Errorf("lock %s: %w", lock.Name(), err)
		}
	}
	return f(ctx)
}

// region is the platform's default, that of the first server.
func (c *cluster) region() string { return c.fleet[0].Region }

// ingressPort is "" for the usual port, else ":8443".
func (c *cluster) ingressPort() string {
	_, port, _ := net.SplitHostPort(c.ingress) // checked by open
	if port == "443" {
		return ""
	}
	return ":" + port
}

func (c *cluster) apiURL() string { return "https://api." + layout.Domain + c.ingressPort() }

func envOr(name, fallback string) string {
	if v := strings.TrimSpace(os.Getenv(name)); v != "" {
		return v
	}
	return fallback
}

// printer writes progress lines from several goroutines.
type printer struct {
	mu    sync.Mutex
	start time.Time
}

func (p *printer) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(os.Stderr, "%6.1fs  %s\n", time.Since(p.start).Seconds(), fmt.Sprintf(format, args...))
}
