//go:build linux

// Command dev runs the one-machine cluster: real Consul, Vault, Nomad, Traefik,
// Loki and RabbitMQ on the loopback interface, configured as in production.
//
//	go run ./nomad/dev up|down|clean|status
//	go run ./nomad/dev uv ARGS...             the pinned uv, with the machine's package index
//	go run ./nomad/dev oracle                 what the compiler's tests compare with
//	go run ./nomad/dev browser                the Chromium with which tests look at the Nomad UI
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"fngen.dev/fngen/nomad/dev/preflight"
	"fngen.dev/fngen/nomad/dev/provision"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if err := cleanEnvironment(); err != nil {
		return err
	}
	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	if os.Geteuid() != 0 && command != "uv" && command != "oracle" && command != "" {
		return errors.New("the one-machine cluster runs as root, since Nomad isolates tasks with " +
			"namespaces, mounts and users: run it with sudo -E env PATH=\"$PATH\" make up")
	}
	c, err := open()
	if err != nil {
		return err
	}
	switch command {
	case "up":
		return c.locked(ctx, c.up)
	case "down":
		return c.locked(ctx, c.down)
	case "clean":
		return c.locked(ctx, c.clean)
	case "status":
		return c.status(ctx)
	case "uv":
		return c.uv(ctx, args[1:])
	case "browser":
		return preflight.InstallBrowser(ctx, c.out.line)
	case "oracle":
		provision.LockTools(ctx, c.Layout, c.out.line)
		return provision.Pyodide(ctx, c.Layout, c.out.line)
	default:
		return errors.New("usage: go run ./nomad/dev up|down|clean|status|oracle|browser|uv [ARG]")
	}
}

// cleanEnvironment drops what the API clients of the servers read by
// themselves: a person's VAULT_TOKEN or proxy is not meant for this cluster.
func cleanEnvironment() error {
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		for _, prefix := range []string{"VAULT_", "CONSUL_", "NOMAD_"} {
			if strings.HasPrefix(name, prefix) {
				if err := os.Unsetenv(name); err != nil {
					return fmt.Errorf("unset %s: %w", name, err)
				}
			}
		}
	}
	return nil
}
