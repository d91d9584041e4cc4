//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	account = "dev@fngen.localhost"
	apiKey  = "api-key" // the name of the secret
	example = "hello"
)

// apiAccess makes an account and its key, once, and returns the key. The
// programs are those that an operator of a real platform runs.
func (c *cluster) apiAccess(ctx context.Context) (string, error) {
	key, err := c.secrets.Get(apiKey)
	if err != nil {
		return "", err
	}
	if key != "" && c.keyWorks(ctx, key) {
		return key, nil
	}
	if _, err := c.fngend(ctx, "account", "create", account); err != nil && !strings.Contains(err.Error(), "exists") {
		return "", err
	}
	out, err := c.fngend(ctx, "key", "create", account)
	if err != nil {
		return "", err
	}
	key = strings.TrimSpace(out)
	return key, c.secrets.Put(apiKey, key)
}

func (c *cluster) keyWorks(ctx context.Context, key string) bool {
	_, err := c.fngen(ctx, key, "connect")
	return err == nil
}

// fngend runs the operator's side of the control plane on its data.
func (c *cluster) fngend(ctx context.Context, args ...string) (string, error) {
	return output(ctx, filepath.Join(c.Bin(), "fngend"), []string{"FNGEND_DATA=" + c.Fngend()}, args)
}

// fngen runs the CLI as a person would. The home directory is our own, so that
// no credentials of that person are read or written.
func (c *cluster) fngen(ctx context.Context, key string, args ...string) (string, error) {
	return output(ctx, filepath.Join(c.Bin(), "fngen"), []string{
		"HOME=" + c.Dev(), "NO_COLOR=1", "FNGEN_API_KEY=" + key, "FNGEN_API_URL=" + c.apiURL(),
		"FNGEN_CA_CERT=" + filepath.Join(c.Kit(), "etc", "ca.pem"),
	}, args)
}

// pushHello pushes the example. Unchanged, that is two small requests.
func (c *cluster) pushHello(ctx context.Context, key string) error {
	start := time.Now()
	projects, err := c.fngen(ctx, key, "projects")
	if err != nil {
		return err
	}
	if !strings.Contains("\n"+projects, "\n"+example+"\n") {
		if _, err := c.fngen(ctx, key, "create", example); err != nil {
			return err
		}
	}
	urls, err := c.fngen(ctx, key, "push", example, filepath.Join(c.Root, "examples", example))
	if err != nil {
		return err
	}
	c.out.line("%-24s live  %5.1fs", "examples/"+example, time.Since(start).Seconds())
	fmt.Print(urls)
	return nil
}

func output(ctx context.Context, path string, env, args []string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), env...), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("run %s %s: %w\n%s", filepath.Base(path), strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}
