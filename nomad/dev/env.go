//go:build linux

package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"fngen.dev/fngen/nomad/dev/bootstrap"
	"fngen.dev/fngen/nomad/dev/layout"
)

// writeEnv writes what a person sources to talk to the cluster.
func (c *cluster) writeEnv(apiKey string) error {
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
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Written by make up. Source it: . .dev/env.sh\n")
	fmt.Fprintf(&b, "case \":$PATH:\" in *:%s:*) ;; *) export PATH=%s:\"$PATH\" ;; esac\n", quote(c.Bin()), quote(c.Bin()))
	for _, v := range vars {
		fmt.Fprintf(&b, "export %s=%s\n", v[0], quote(v[1]))
	}
	return writeFile(c.EnvFile(), b.Bytes(), 0o600)
}

// quote writes a word of POSIX shell that means exactly s.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
