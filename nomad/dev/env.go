//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"fngen.dev/fngen/nomad/dev/bootstrap"
	"fngen.dev/fngen/nomad/dev/layout"
)

// writeEnv writes what a person sources to talk to the cluster.
func (c *cluster) writeEnv(ctx context.Context, apiKey string) error {
	read := func(name string) string {
		value, _ := c.secrets.Get(name) // missing: a server that was never up
		return value
	}
	vars := [][2]string{
		{"FNGEN_API_URL", c.apiURL()},
		{"FNGEN_API_KEY", apiKey},
		{"FNGEN_CA_CERT", filepath.Join(c.Kit(), "etc", "ca.pem")},
		{"FNGEN_DOMAIN", layout.Domain},
		{"FNGEN_INGRESS", c.ingress},
		{"NOMAD_ADDR", layout.HTTP(layout.NomadPort)},
		{"NOMAD_TOKEN", read(bootstrap.NomadManagement)},
		{"CONSUL_HTTP_ADDR", layout.HTTP(layout.ConsulPort)},
		{"CONSUL_HTTP_TOKEN", read(bootstrap.ConsulManagement)},
		{"VAULT_ADDR", layout.HTTP(layout.VaultPort)},
		{"VAULT_TOKEN", read(bootstrap.VaultRoot)},
		{"LOKI_ADDR", layout.HTTP(layout.LokiPort)},
		{"RABBITMQ_URL", fmt.Sprintf("http://%s:%s@%s", rabbitUser, read(rabbitPassword), layout.Addr(layout.RabbitAdminPort))},
	}
	if err := c.linkTools(ctx); err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Written by make up. Source it: . .dev/env.sh\n")
	path := quote(c.Bin()) + ":" + quote(c.OperatorBin())
	fmt.Fprintf(&b, "case \":$PATH:\" in *:%s:*) ;; *) export PATH=%s:\"$PATH\" ;; esac\n", path, path)
	for _, v := range vars {
		fmt.Fprintf(&b, "export %s=%s\n", v[0], quote(v[1]))
	}
	return writeFile(c.EnvFile(), b.Bytes(), 0o600)
}

// linkTools gives an operator the command lines of the servers that have one.
func (c *cluster) linkTools(ctx context.Context) error {
	if err := os.MkdirAll(c.OperatorBin(), 0o755); err != nil {
		return fmt.Errorf("create directory of tools: %w", err)
	}
	for _, name := range []string{"consul", "nomad", "vault"} {
		path, err := c.servers.Path(ctx, name)
		if err != nil {
			return err
		}
		link := filepath.Join(c.OperatorBin(), name)
		if target, err := filepath.EvalSymlinks(path); err != nil {
			return fmt.Errorf("find %s: %w", name, err)
		} else if old, _ := os.Readlink(link); old == target {
			continue
		} else if err := os.Symlink(target, link+".new"); err != nil {
			return fmt.Errorf("link %s: %w", name, err)
		}
		if err := os.Rename(link+".new", link); err != nil {
			return fmt.Errorf("link %s: %w", name, err)
		}
	}
	return nil
}

// quote writes a word of POSIX shell that means exactly s.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
