//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad/dev/bootstrap"
	"fngen.dev/fngen/nomad/dev/build"
	"fngen.dev/fngen/nomad/dev/layout"
	"fngen.dev/fngen/nomad/dev/provision"
)

// jobFngend is the control plane: job, task and service have this name.
const jobFngend = "fngend"

// buildBinaries builds the project's own programs into bin. No commit is
// stamped into them: the same sources are the same bytes, and a commit that
// changes none of them restarts nothing.
func (c *cluster) buildBinaries(ctx context.Context) error {
	return build.Program(ctx, c.Root, c.Bin()+"/", "./cmd/...")
}

// deployFngend submits the control plane's job when it differs from what runs,
// and waits until it answers through the router.
func (c *cluster) deployFngend(ctx context.Context, k provision.Kit) error {
	start := time.Now()
	if err := c.credentials(ctx); err != nil {
		return err
	}
	job, err := c.parseJob(k)
	if err != nil {
		return err
	}
	index, err := c.submit(ctx, job)
	if err != nil {
		return err
	}
	if index == 0 {
		if index, err = c.retry(ctx, job); err != nil {
			return err
		}
	}
	if err := c.waitFngend(ctx, index); err != nil {
		return err
	}
	word := "ready"
	if index == 0 {
		word = "runs"
	}
	c.out.line("%-24s %-5s %5.1fs", jobFngend, word, time.Since(start).Seconds())
	return nil
}

// retry submits a job again whose last deployment failed, as a new version.
func (c *cluster) retry(ctx context.Context, job *nomad.Job) (uint64, error) {
	failed, err := c.failedDeployment(ctx)
	if err != nil || failed == "" {
		return 0, err
	}
	c.out.line("%-24s failed before, is tried again", jobFngend)
	job.SetMeta("after_deployment", failed)
	return c.submit(ctx, job)
}

// credentials are stored for the control plane in Vault.
func (c *cluster) credentials(ctx context.Context) error {
	have, err := c.vault.Credentials(ctx, jobFngend)
	if err != nil {
		return err
	}
	old, _ := have["NOMAD_TOKEN"].(string) // not there: make one
	token, err := c.nomad.ManagementToken(ctx, jobFngend, old)
	if err != nil {
		return err
	}
	consul, err := c.secrets.UUID(bootstrap.ConsulFngend)
	if err != nil {
		return err
	}
	broker, err := c.secrets.Password(rabbitFngend)
	if err != nil {
		return err
	}
	// The passwords of projects at the broker follow from it.
	key, err := c.secrets.Password(rabbitKey)
	if err != nil {
		return err
	}
	want := map[string]any{"NOMAD_TOKEN": token, "CONSUL_HTTP_TOKEN": consul, "BROKER_PASSWORD": broker, "BROKER_KEY": key}
	if maps.Equal(have, want) {
		return nil
	}
	return c.vault.PutCredentials(ctx, jobFngend, want)
}

// parseJob lets Nomad read the job's file with the values of this cluster.
func (c *cluster) parseJob(k provision.Kit) (*nomad.Job, error) {
	source, err := os.ReadFile(filepath.Join(c.Root, "jobs", "platform", "fngend.nomad.hcl"))
	if err != nil {
		return nil, fmt.Errorf("read job: %w", err)
	}
	job, err := c.nomad.API().Jobs().ParseHCLOpts(&nomad.JobsParseRequest{
		JobHCL: string(source), Canonicalize: true,
		Variables: variables(map[string]string{
			"datacenter": c.region(), "domain": layout.Domain, "api_url": c.apiURL(), "ingress": c.ingress, "trusted_proxies": layout.Loopback,
			"nomad_addr": layout.HTTP(layout.NomadPort), "consul_addr": layout.HTTP(layout.ConsulPort), "loki_addr": layout.HTTP(layout.LokiPort), "vault_addr": layout.HTTP(layout.VaultPort), "default_region": c.region(),
			"broker_url": "amqp://" + layout.Addr(layout.RabbitPort), "broker_management_url": layout.HTTP(layout.RabbitAdminPort),
			"broker_worker_url": fmt.Sprintf("amqp://broker.%s:%d", layout.Domain, layout.RabbitPort),
			"pythons":           strings.Join(k.Pythons, ","), "uv_version": provision.UVVersion,
			"build_digest": k.BuildDigest, "binary_digest": k.FngendDigest,
		}),
	})
	if err != nil {
		return nil, fmt.Errorf("parse job fngend: %w", err)
	}
	return job, nil
}

// variables writes a file of HCL2 variables.
func variables(values map[string]string) string {
	var lines []string
	for name, value := range values {
		quoted, _ := json.Marshal(value) // a string always encodes
		text := strings.NewReplacer("${", "$${", "%{", "%%{").Replace(string(quoted))
		lines = append(lines, name+" = "+text)
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n") + "\n"
}

// submit registers the job unless it is registered as it is, and returns the
// index of the change, or 0.
func (c *cluster) submit(ctx context.Context, job *nomad.Job) (uint64, error) {
	w := (&nomad.WriteOptions{Namespace: bootstrap.Platform}).WithContext(ctx)
	plan, _, err := c.nomad.API().Jobs().PlanOpts(job, &nomad.PlanOptions{Diff: true}, w)
	if err != nil {
		return 0, fmt.Errorf("plan job fngend: %w", err)
	}
	if plan.Diff != nil && plan.Diff.Type == "None" {
		return 0, nil
	}
	opts := &nomad.RegisterOptions{EnforceIndex: true, ModifyIndex: plan.JobModifyIndex}
	res, _, err := c.nomad.API().Jobs().RegisterOpts(job, opts, w)
	if err != nil {
		return 0, fmt.Errorf("submit job fngend: %w", err)
	}
	return res.JobModifyIndex, nil
}
