// Package nomad is the only package that talks to Nomad: it plans, submits,
// follows, stops and explains jobs.
//
// It knows nothing of projects or Powers; it takes the jobs that package jobs
// made and tells what became of them.
package nomad

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/nomad/api"
)

// wait is how long one blocking query may take before it is asked again.
const wait = 10 * time.Second

// Client talks to one Nomad region.
type Client struct {
	api *api.Client
}

// New connects to the HTTP API at addr with an ACL token. Each request has a
// deadline, and is made again over an election.
func New(addr, token string) (*Client, error) {
	c, err := api.NewClient(&api.Config{Address: addr, SecretID: token, HttpClient: &http.Client{Transport: newRetrier()}})
	if err != nil {
		return nil, fmt.Errorf("connect to nomad: %w", err)
	}
	return &Client{api: c}, nil
}

// EnsureNamespace creates a namespace, or updates its description. Only isolated
// tasks may run in it, whoever registers them.
func (c *Client) EnsureNamespace(ctx context.Context, name, description string) error {
	_, err := c.api.Namespaces().Register(&api.Namespace{
		Name: name, Description: description,
		Capabilities: &api.NamespaceCapabilities{EnabledTaskDrivers: []string{"exec"}},
	}, write(ctx, ""))
	if err != nil {
		return fmt.Errorf("register namespace %q: %w", name, err)
	}
	return nil
}

// DeleteNamespace deletes an empty namespace; one that is gone is no error.
func (c *Client) DeleteNamespace(ctx context.Context, name string) error {
	_, err := c.api.Namespaces().Delete(name, write(ctx, ""))
	if err != nil && !isNotFound(err) {
		return fmt.Errorf("delete namespace %q: %w", name, err)
	}
	return nil
}

// Datacenters lists those of the ready nodes that are not of the given class,
// sorted: the regions in which a project can have servers.
func (c *Client) Datacenters(ctx context.Context, exceptClass string) ([]string, error) {
	nodes, _, err := c.api.Nodes().List(read(ctx, ""))
	if err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	var out []string
	for _, n := range nodes {
		if n.Status == "ready" && n.NodeClass != exceptClass {
			out = append(out, n.Datacenter)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func read(ctx context.Context, namespace string) *api.QueryOptions {
	return (&api.QueryOptions{Namespace: namespace}).WithContext(ctx)
}

// after is a blocking query: it answers when there is something newer than index.
func after(ctx context.Context, namespace string, index uint64, limit time.Duration) *api.QueryOptions {
	return (&api.QueryOptions{Namespace: namespace, WaitIndex: index, WaitTime: limit}).WithContext(ctx)
}

func write(ctx context.Context, namespace string) *api.WriteOptions {
	return (&api.WriteOptions{Namespace: namespace}).WithContext(ctx)
}

// isNotFound reports whether Nomad says that what was asked about does not exist.
// The words "not found" alone do not say it: "ACL token not found" is a token that
// Nomad refuses. When a namespace does not exist, the status is 500.
func isNotFound(err error) bool {
	e, ok := errors.AsType[api.UnexpectedResponseError](err)
	if !ok {
		return false
	}
	return e.StatusCode() == http.StatusNotFound ||
		e.StatusCode() == http.StatusInternalServerError && strings.Contains(e.Body(), "namespace not found")
}
