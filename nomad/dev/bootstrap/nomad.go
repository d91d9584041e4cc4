package bootstrap

import (
	"context"
	"fmt"
	"slices"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad/dev/secrets"
)

// Platform is the Nomad namespace of the platform's own jobs.
const Platform = "platform"

// Nomad sets Nomad's access control and scheduler up.
type Nomad struct {
	api   *nomad.Client
	token string
}

// NewNomad uses the management token, which it makes when there is none.
func NewNomad(addr string, s secrets.Store) (*Nomad, error) {
	token, err := s.UUID(NomadManagement)
	if err != nil {
		return nil, err
	}
	api, err := nomad.NewClient(&nomad.Config{Address: addr, SecretID: token})
	if err != nil {
		return nil, fmt.Errorf("make nomad client: %w", err)
	}
	return &Nomad{api: api, token: token}, nil
}

// API is the client with the management token.
func (n *Nomad) API() *nomad.Client { return n.api }

// Leader reports whether the server has one, which is when it can be used.
func (n *Nomad) Leader(ctx context.Context) error {
	var leader string
	_, err := n.api.Raw().Query("/v1/status/leader", &leader, (&nomad.QueryOptions{}).WithContext(ctx))
	if err == nil && leader == "" {
		err = fmt.Errorf("no leader yet")
	}
	return err
}

// AccessControl makes our token the first management token.
func (n *Nomad) AccessControl(ctx context.Context) error {
	if _, _, err := n.api.ACLTokens().Self((&nomad.QueryOptions{}).WithContext(ctx)); err == nil {
		return nil
	}
	w := (&nomad.WriteOptions{}).WithContext(ctx)
	if _, _, err := n.api.ACLTokens().BootstrapOpts(n.token, w); err != nil {
		return fmt.Errorf("bootstrap access control of nomad: %w", err)
	}
	return nil
}

// Prepare sets the scheduler up and makes the namespace of the platform.
func (n *Nomad) Prepare(ctx context.Context) error {
	w := (&nomad.WriteOptions{}).WithContext(ctx)
	conf, _, err := n.api.Operator().SchedulerGetConfiguration((&nomad.QueryOptions{}).WithContext(ctx))
	if err != nil {
		return fmt.Errorf("read scheduler configuration: %w", err)
	}
	if c := conf.SchedulerConfig; !c.MemoryOversubscriptionEnabled {
		c.MemoryOversubscriptionEnabled = true
		if _, _, err := n.api.Operator().SchedulerSetConfiguration(c, w); err != nil {
			return fmt.Errorf("write scheduler configuration: %w", err)
		}
	}
	namespace := &nomad.Namespace{Name: Platform, Description: "jobs of the platform itself"}
	if _, err := n.api.Namespaces().Register(namespace, w); err != nil {
		return fmt.Errorf("create namespace %s: %w", Platform, err)
	}
	return nil
}

// ManagementToken returns a management token of the given name: the old one
// when it still works, else a new one.
func (n *Nomad) ManagementToken(ctx context.Context, name, old string) (string, error) {
	if old != "" {
		q := (&nomad.QueryOptions{AuthToken: old}).WithContext(ctx)
		if _, _, err := n.api.ACLTokens().Self(q); err == nil {
			return old, nil
		}
	}
	token, _, err := n.api.ACLTokens().Create(
		&nomad.ACLToken{Name: name, Type: "management"}, (&nomad.WriteOptions{}).WithContext(ctx))
	if err != nil {
		return "", fmt.Errorf("create nomad token %s: %w", name, err)
	}
	return token.SecretID, nil
}

// Introduction makes the token by which a node that nobody knows joins under a name. A
// server that has just become the leader makes none for a moment.
func (n *Nomad) Introduction(ctx context.Context, node string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, introductionPatience)
	defer cancel()
	for {
		res, _, err := n.api.ACLIdentity().CreateClientIntroductionToken(
			&nomad.ACLIdentityClientIntroductionTokenRequest{NodeName: node}, (&nomad.WriteOptions{}).WithContext(ctx))
		if err == nil {
			return res.JWT, nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("introduce node %s: %w", node, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

const introductionPatience = 30 * time.Second

// Knows reports whether a node of that name has joined, whatever became of it.
func (n *Nomad) Knows(ctx context.Context, name string) (bool, error) {
	nodes, _, err := n.api.Nodes().List((&nomad.QueryOptions{}).WithContext(ctx))
	if err != nil {
		return false, fmt.Errorf("list nomad nodes: %w", err)
	}
	return slices.ContainsFunc(nodes, func(node *nomad.NodeListStub) bool { return node.Name == name }), nil
}

// Unready returns the names of the wanted nodes that are not ready yet.
func (n *Nomad) Unready(ctx context.Context, want []string) ([]string, error) {
	nodes, _, err := n.api.Nodes().List((&nomad.QueryOptions{}).WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("list nomad nodes: %w", err)
	}
	left := slices.Clone(want)
	for _, node := range nodes {
		if node.Status == nomad.NodeStatusReady {
			left = slices.DeleteFunc(left, func(name string) bool { return name == node.Name })
		}
	}
	return left, nil
}

// Forget purges a node that is gone, so that its allocations are placed anew.
func (n *Nomad) Forget(ctx context.Context, name string) error {
	nodes, _, err := n.api.Nodes().List((&nomad.QueryOptions{}).WithContext(ctx))
	if err != nil {
		return fmt.Errorf("list nomad nodes: %w", err)
	}
	for _, node := range nodes {
		if node.Name != name {
			continue
		}
		if _, _, err := n.api.Nodes().Purge(node.ID, (&nomad.QueryOptions{}).WithContext(ctx)); err != nil {
			return fmt.Errorf("purge node %s: %w", name, err)
		}
	}
	return nil
}
