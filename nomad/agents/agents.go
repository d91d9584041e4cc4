// Package agents holds the configuration of every server that the platform
// stands on: Consul, Nomad, Vault, Loki, RabbitMQ and Traefik.
//
// There is one template per program, and the one-machine cluster and a real
// fleet fill the same ones. What differs between the two (addresses, sizes,
// tokens) is a field of the data; what must be the same everywhere (access
// control, retries, limits) is text in the template.
package agents

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"text/template"
)

//go:embed templates
var files embed.FS

var templates = template.Must(template.New("agents").
	Option("missingkey=error").
	Funcs(template.FuncMap{"quote": quote}).
	ParseFS(files, "templates/*.tmpl"))

// Consul renders the configuration of a Consul agent.
func Consul(c ConsulAgent) ([]byte, error) { return render("consul.hcl.tmpl", c) }

// Nomad renders the configuration of a Nomad agent.
func Nomad(c NomadAgent) ([]byte, error) { return render("nomad.hcl.tmpl", c) }

// Vault renders the configuration of a Vault server.
func Vault(c VaultServer) ([]byte, error) { return render("vault.hcl.tmpl", c) }

// Loki renders the configuration of a Loki server.
func Loki(c LokiServer) ([]byte, error) { return render("loki.yaml.tmpl", c) }

// RabbitMQ renders rabbitmq.conf.
func RabbitMQ(c RabbitMQServer) ([]byte, error) { return render("rabbitmq.conf.tmpl", c) }

// Traefik renders the static configuration of Traefik.
func Traefik(c TraefikProxy) ([]byte, error) { return render("traefik.yaml.tmpl", c) }

// TraefikDynamic renders what Traefik reads through its file provider: the
// certificates and what routers of several services share.
func TraefikDynamic(c TraefikProxy) ([]byte, error) { return render("traefik-dynamic.yaml.tmpl", c) }

func render(name string, data any) ([]byte, error) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// quote writes s as a JSON string. That is a string of YAML too, and of the first
// version of HCL, in which Consul, Nomad and Vault read their own configuration
// (unlike jobs) and which does not interpolate.
func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // a path with & stays readable
	if err := enc.Encode(s); err != nil {
		panic("encode string: " + err.Error()) // cannot happen: a string always encodes
	}
	return strings.TrimSuffix(b.String(), "\n")
}
