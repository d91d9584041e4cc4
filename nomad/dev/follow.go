//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad/dev/bootstrap"
)

var errDeployment = errors.New("deployment failed")

// waitFngend polls until the job as it was registered at index is deployed, and
// answers through the router.
func (c *cluster) waitFngend(ctx context.Context, index uint64) error {
	client, err := c.ingressClient()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := c.deployed(ctx, index)
		if err == nil {
			err = answers(ctx, client, c.apiURL()+"/healthz")
		}
		if err == nil {
			return nil
		}
		if errors.Is(err, errDeployment) || ctx.Err() != nil {
			return fmt.Errorf("start fngend: %w%s", err, c.explainFngend())
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// ingressClient reaches every name through Traefik and trusts the local CA.
func (c *cluster) ingressClient() (*http.Client, error) {
	pem, err := os.ReadFile(filepath.Join(c.TLS(), "ca.pem"))
	if err != nil {
		return nil, fmt.Errorf("read CA certificate: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, c.ingress)
		},
	}}, nil
}

func answers(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, res.Status)
	}
	return nil
}

// deployed reports whether fngend is healthy in the version of index or a newer
// one. An old deployment is collected some time after its end.
func (c *cluster) deployed(ctx context.Context, index uint64) error {
	q := (&nomad.QueryOptions{Namespace: bootstrap.Platform}).WithContext(ctx)
	d, _, err := c.nomad.API().Jobs().LatestDeployment(jobFngend, q)
	switch {
	case err != nil:
		return fmt.Errorf("read deployment of fngend: %w", err)
	case index > 0 && (d == nil || d.JobSpecModifyIndex < index):
		return errors.New("the new version is not deployed yet")
	case d == nil || d.Status == nomad.DeploymentStatusSuccessful || index == 0 && !unfinished(d):
		return nil
	case d.Status == nomad.DeploymentStatusFailed:
		return fmt.Errorf("%w: %s", errDeployment, d.StatusDescription)
	}
	return fmt.Errorf("deployment is %s: %s", d.Status, d.StatusDescription)
}

func unfinished(d *nomad.Deployment) bool {
	return d.Status == nomad.DeploymentStatusRunning || d.Status == nomad.DeploymentStatusPending
}

// failedDeployment returns the id of the last deployment when it failed and
// nothing answers: Nomad does not try such a version again by itself.
func (c *cluster) failedDeployment(ctx context.Context) (string, error) {
	q := (&nomad.QueryOptions{Namespace: bootstrap.Platform}).WithContext(ctx)
	d, _, err := c.nomad.API().Jobs().LatestDeployment(jobFngend, q)
	if err != nil {
		return "", fmt.Errorf("read deployment of fngend: %w", err)
	}
	if d == nil || d.Status != nomad.DeploymentStatusFailed {
		return "", nil
	}
	client, err := c.ingressClient()
	if err != nil || answers(ctx, client, c.apiURL()+"/healthz") == nil {
		return "", err
	}
	return d.ID, nil
}

// explainFngend collects what Nomad knows of the newest allocation.
func (c *cluster) explainFngend() string {
	q := &nomad.QueryOptions{Namespace: bootstrap.Platform}
	stubs, _, err := c.nomad.API().Jobs().Allocations(jobFngend, false, q)
	if err != nil || len(stubs) == 0 {
		return "\nno allocation was placed; does the platform node run? (make status)"
	}
	sort.Slice(stubs, func(i, j int) bool { return stubs[i].CreateIndex > stubs[j].CreateIndex })
	var b bytes.Buffer
	if state := stubs[0].TaskStates[jobFngend]; state != nil {
		for _, e := range state.Events {
			fmt.Fprintf(&b, "\n  %s: %s", e.Type, e.DisplayMessage)
		}
	}
	alloc := &nomad.Allocation{ID: stubs[0].ID, NodeID: stubs[0].NodeID, Namespace: bootstrap.Platform}
	frames, errs := c.nomad.API().AllocFS().Logs(alloc, false, jobFngend, "stderr", "end", 4000, nil, q)
	for {
		select {
		case frame, ok := <-frames:
			if !ok {
				return b.String()
			}
			b.WriteString("\n")
			b.Write(frame.Data)
		case <-errs: //nolint:errcheck // what was read so far is all there is to show
			return b.String()
		}
	}
}
