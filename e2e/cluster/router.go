package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad/dev/layout"
	"fngen.dev/fngen/pkg/api"
)

// Router is an HTTPS client that connects to the router whatever the name, and
// trusts the cluster's CA.
func Router() (*http.Client, error) {
	transport, err := api.NewTransport(os.Getenv("FNGEN_CA_CERT"))
	if err != nil {
		return nil, err
	}
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, os.Getenv("FNGEN_INGRESS"))
	}
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}, nil
}

// URL is where a label of the platform's domain answers, without a path.
func URL(label string) string { return "https://" + label + "." + os.Getenv("FNGEN_DOMAIN") }

// Probe returns the allocation that answers at a URL, empty for none. Each probe
// has a connection of its own.
func Probe(ctx context.Context, client *http.Client, url string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return ""
	}
	req.Header.Set("Fngen-Probe", "1")
	req.Close = true
	resp, err := client.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	return whole(ctx, resp.Header.Get("Fngen-Allocation"))
}

// whole is the name of an allocation that has told its beginning; empty for none.
func whole(ctx context.Context, beginning string) string {
	client, err := Nomad()
	if err != nil || beginning == "" {
		return beginning
	}
	found, _, err := client.Allocations().List((&nomad.QueryOptions{Namespace: "*", Prefix: beginning}).WithContext(ctx))
	if err != nil || len(found) != 1 {
		return beginning
	}
	return found[0].ID
}

// Answering lists the allocations that answer at a URL, in a few requests.
func Answering(ctx context.Context, client *http.Client, url string) []string {
	var found []string
	for range 8 {
		if id := Probe(ctx, client, url); id != "" && !slices.Contains(found, id) {
			found = append(found, id)
		}
	}
	slices.Sort(found)
	return found
}

// Routed are the addresses to which the router leads requests for a project.
func Routed(ctx context.Context, project string) ([]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, layout.HTTP(layout.TraefikAPIPort)+"/api/http/services", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var services []struct {
		Name         string
		ServerStatus map[string]string
	}
	if err := json.NewDecoder(resp.Body).Decode(&services); err != nil {
		return nil, fmt.Errorf("read the router's services: %w", err)
	}
	var out []string
	for _, s := range services {
		if strings.HasPrefix(s.Name, project+"--") {
			out = slices.AppendSeq(out, maps.Keys(s.ServerStatus))
		}
	}
	slices.Sort(out)
	return out, nil
}
