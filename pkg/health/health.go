// Package health tells which instances do not answer their health checks, as Consul has
// it.
package health

import (
	"context"
	"fmt"
	"strings"

	consul "github.com/hashicorp/consul/api"
)

// Checks are those of a Consul.
type Checks struct{ api *consul.Client }

// New talks to the Consul agent at addr, a URL, with an ACL token that may read services
// and nodes.
func New(addr, token string) (*Checks, error) {
	api, err := consul.NewClient(&consul.Config{Address: addr, Token: token})
	if err != nil {
		return nil, fmt.Errorf("make consul client: %w", err)
	}
	return &Checks{api}, nil
}

// Critical are the allocations of which a check fails, with what it says. One that has
// not been checked yet is none of them.
func (c *Checks) Critical(ctx context.Context) (map[string]string, error) {
	found, _, err := c.api.Health().State(consul.HealthCritical, (&consul.QueryOptions{}).WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("read health checks: %w", err)
	}
	return critical(found), nil
}

func critical(checks consul.HealthChecks) map[string]string {
	out := map[string]string{}
	for _, check := range checks {
		if id := allocationOf(check.ServiceID); id != "" && check.Output != "" {
			out[id] = check.Output
		}
	}
	return out
}

// idLength is that of an allocation's id.
const idLength = 36

// allocationOf is the allocation of a service by the id that Nomad gives it,
// _nomad-task-<allocation>-group-...
func allocationOf(service string) string {
	id, ours := strings.CutPrefix(service, "_nomad-task-")
	if !ours || len(id) <= idLength || id[idLength] != '-' {
		return ""
	}
	return id[:idLength]
}
