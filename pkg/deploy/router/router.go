// Package router asks functions through the platform's own ingress, as a person would,
// to know to which instances it leads.
package router

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
)

// The router hears of a new instance within half a second; one that does not
// answer through it after routeDeadline is not routed.
const (
	routeDeadline = 30 * time.Second
	routeInterval = 50 * time.Millisecond
)

// Router asks functions through the platform's own ingress, as a person would.
type Router struct {
	http    *http.Client
	cluster jobs.Cluster
}

// New asks by way of the router's TLS entry at an address, whose certificate a CA
// signed.
func New(address, caFile string, cluster jobs.Cluster) (*Router, error) {
	transport, err := api.NewTransport(caFile)
	if err != nil {
		return nil, err
	}
	transport.Proxy = nil
	transport.DisableKeepAlives = true // each request may reach another instance
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, address)
	}
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return Asking(client, cluster), nil
}

// Asking asks by way of a client.
func Asking(client *http.Client, cluster jobs.Cluster) *Router { return &Router{client, cluster} }

// Answering returns when the router leads to the allocations and to nothing else:
// each has answered, and for more than a round of its servers no other did. Old
// instances have left by then, but the router may not have heard of it yet.
func (r *Router) Answering(ctx context.Context, label, path string, allocations []string) error {
	if len(allocations) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, routeDeadline)
	defer cancel()
	ticker := time.NewTicker(routeInterval)
	defer ticker.Stop()
	waiting, alone := slices.Clone(allocations), 0
	for len(waiting) > 0 || alone < 2*len(allocations)+2 {
		if id := r.probe(ctx, label, path, allocations); slices.Contains(allocations, id) {
			waiting = slices.DeleteFunc(waiting, func(w string) bool { return w == id })
			alone++
			continue
		}
		alone = 0
		select {
		case <-ctx.Done():
			if len(waiting) == 0 {
				return nil // they serve, beside others that were not to be replaced
			}
			return api.NewProblem(api.Failed, "%d of %d new instances are healthy and do not answer at %s", len(waiting), len(allocations), r.cluster.URL(label))
		case <-ticker.C:
		}
	}
	return nil
}

// probe returns the allocation that answered, empty when none of ours did, and only the
// beginning of one that is not among the allocations. By their names these know that it
// is we who ask, and not somebody of whom their log should tell.
func (r *Router) probe(ctx context.Context, label, path string, allocations []string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("https://%s.%s%s", label, r.cluster.Domain, path), nil)
	if err != nil {
		return ""
	}
	req.Header.Set("Fngen-Probe", strings.Join(allocations, ","))
	resp, err := r.http.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // the answer itself does not matter
	return resp.Header.Get("Fngen-Allocation")
}
