// Package bootstrap brings freshly started servers to the state that the
// platform needs: tokens, policies, auth methods, mounts. Every function may be
// run again and changes only what differs.
package bootstrap

import (
	"context"
	"fmt"

	consul "github.com/hashicorp/consul/api"

	"fngen.dev/fngen/nomad/dev/secrets"
)

// Names of the secrets that this package makes or reads.
const (
	ConsulManagement = "consul-management"
	ConsulNomad      = "consul-nomad"
	ConsulTraefik    = "consul-traefik"
	ConsulFngend     = "consul-fngend"
	NomadManagement  = "nomad-management"
	VaultUnsealKey   = "vault-unseal-key"
	VaultRoot        = "vault-root-token"
	ConsulGossip     = "consul-gossip-key"
	NomadGossip      = "nomad-gossip-key"
)

// ConsulAgent names the token of the Consul agent of a node.
func ConsulAgent(node string) string { return "consul-agent-" + node }

const consulDatacenter = "dc1"

// Consul sets Consul's access control up.
type Consul struct {
	api     *consul.Client
	secrets secrets.Store
}

// NewConsul uses the management token, which it makes when there is none.
func NewConsul(addr string, s secrets.Store) (*Consul, error) {
	token, err := s.UUID(ConsulManagement)
	if err != nil {
		return nil, err
	}
	api, err := consul.NewClient(&consul.Config{Address: addr, Token: token})
	if err != nil {
		return nil, fmt.Errorf("make consul client: %w", err)
	}
	return &Consul{api: api, secrets: s}, nil
}

// Leader reports whether the server has one, which is when it can be used.
func (c *Consul) Leader(ctx context.Context) error {
	leader, err := c.api.Status().LeaderWithQueryOptions((&consul.QueryOptions{}).WithContext(ctx))
	if err == nil && leader == "" {
		err = fmt.Errorf("no leader yet")
	}
	return err
}

// nomadRules are what a Nomad agent needs when workloads have identities of
// their own: it registers itself, and removes the services of ended tasks.
const nomadRules = `
agent_prefix ""   { policy = "read" }
node_prefix ""    { policy = "read" }
service_prefix "" { policy = "write" }
`

// traefikRules let Traefik read the catalog and nothing else.
const traefikRules = `
node_prefix ""    { policy = "read" }
service_prefix "" { policy = "read" }
`

// fngendRules let the control plane hold the locks of projects, and read which instances
// do not answer their health checks.
const fngendRules = `
node_prefix ""            { policy = "read" }
service_prefix ""         { policy = "read" }
key_prefix "fngen/locks/" { policy = "write" }
session_prefix ""         { policy = "write" }
`

// Tokens makes the tokens of Nomad, Traefik and the control plane, and those of the Consul agents
// of the given nodes.
func (c *Consul) Tokens(ctx context.Context, nodes []string) error {
	for _, p := range []struct{ name, rules string }{{ConsulNomad, nomadRules}, {ConsulTraefik, traefikRules}, {ConsulFngend, fngendRules}} {
		if err := c.policy(ctx, p.name, p.rules); err != nil {
			return err
		}
		token := &consul.ACLToken{Description: p.name, Policies: []*consul.ACLLink{{Name: p.name}}}
		if err := c.token(ctx, p.name, token); err != nil {
			return err
		}
	}
	for _, node := range nodes {
		identity := &consul.ACLNodeIdentity{NodeName: node, Datacenter: consulDatacenter}
		token := &consul.ACLToken{
			Description: "agent of " + node, NodeIdentities: []*consul.ACLNodeIdentity{identity},
		}
		if err := c.token(ctx, ConsulAgent(node), token); err != nil {
			return err
		}
	}
	return nil
}

// WorkloadIdentity lets tasks that Nomad runs register services in Consul with
// the identity that Nomad signs for them. There is no MaxTokenTTL: Nomad cannot
// make an expired token again.
func (c *Consul) WorkloadIdentity(ctx context.Context, jwksURL string) error {
	const name = "nomad-workloads"
	method := &consul.ACLAuthMethod{
		Name: name, Type: "jwt", Description: "services and tasks that Nomad runs",
		Config: map[string]any{
			"JWKSURL":          jwksURL,
			"JWTSupportedAlgs": []string{"RS256"},
			"BoundAudiences":   []string{"consul.io"},
			"ClaimMappings": map[string]string{
				"nomad_namespace": "nomad_namespace", "nomad_job_id": "nomad_job_id",
				"nomad_task": "nomad_task", "nomad_service": "nomad_service",
			},
		},
	}
	old, _, err := c.api.ACL().AuthMethodRead(name, read(ctx))
	if err != nil {
		return fmt.Errorf("read auth method %s: %w", name, err)
	}
	if old == nil {
		_, _, err = c.api.ACL().AuthMethodCreate(method, write(ctx))
	} else {
		_, _, err = c.api.ACL().AuthMethodUpdate(method, write(ctx))
	}
	if err != nil {
		return fmt.Errorf("write auth method %s: %w", name, err)
	}
	return c.bindServices(ctx, name)
}

// bindServices gives a service the right to its own name and no other.
func (c *Consul) bindServices(ctx context.Context, method string) error {
	rules, _, err := c.api.ACL().BindingRuleList(method, read(ctx))
	if err != nil {
		return fmt.Errorf("list binding rules: %w", err)
	}
	if len(rules) > 0 {
		return nil
	}
	_, _, err = c.api.ACL().BindingRuleCreate(&consul.ACLBindingRule{
		AuthMethod: method, Description: "a service may register itself",
		BindType: consul.BindingRuleBindTypeService, BindName: "${value.nomad_service}",
		Selector: `"nomad_service" in value`,
	}, write(ctx))
	if err != nil {
		return fmt.Errorf("create binding rule: %w", err)
	}
	return nil
}

// Forget removes the token and the catalog entry of a node that is gone.
func (c *Consul) Forget(ctx context.Context, node string) error {
	tokens, _, err := c.api.ACL().TokenList(read(ctx))
	if err != nil {
		return fmt.Errorf("list consul tokens: %w", err)
	}
	for _, t := range tokens {
		if len(t.NodeIdentities) == 1 && t.NodeIdentities[0].NodeName == node {
			if _, err := c.api.ACL().TokenDelete(t.AccessorID, write(ctx)); err != nil {
				return fmt.Errorf("delete consul token of %s: %w", node, err)
			}
		}
	}
	_ = c.api.Agent().ForceLeavePrune(node) // it may be out of the member list already
	dereg := &consul.CatalogDeregistration{Node: node, Datacenter: consulDatacenter}
	if _, err := c.api.Catalog().Deregister(dereg, write(ctx)); err != nil {
		return fmt.Errorf("deregister node %s: %w", node, err)
	}
	return nil
}

func (c *Consul) policy(ctx context.Context, name, rules string) error {
	old, _, err := c.api.ACL().PolicyReadByName(name, read(ctx))
	if err != nil {
		return fmt.Errorf("read consul policy %s: %w", name, err)
	}
	switch policy := (&consul.ACLPolicy{Name: name, Rules: rules}); {
	case old == nil:
		_, _, err = c.api.ACL().PolicyCreate(policy, write(ctx))
	case old.Rules != rules:
		policy.ID = old.ID
		_, _, err = c.api.ACL().PolicyUpdate(policy, write(ctx))
	}
	if err != nil {
		return fmt.Errorf("write consul policy %s: %w", name, err)
	}
	return nil
}

// token makes a token whose secret is ours to choose, unless Consul has it.
func (c *Consul) token(ctx context.Context, secret string, token *consul.ACLToken) error {
	id, err := c.secrets.UUID(secret)
	if err != nil {
		return err
	}
	self := read(ctx)
	self.Token = id
	if _, _, err := c.api.ACL().TokenReadSelf(self); err == nil {
		return nil
	}
	token.SecretID = id
	if _, _, err := c.api.ACL().TokenCreate(token, write(ctx)); err != nil {
		return fmt.Errorf("create consul token %s: %w", secret, err)
	}
	return nil
}

func read(ctx context.Context) *consul.QueryOptions {
	return (&consul.QueryOptions{}).WithContext(ctx)
}

func write(ctx context.Context) *consul.WriteOptions {
	return (&consul.WriteOptions{}).WithContext(ctx)
}
