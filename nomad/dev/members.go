//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"fngen.dev/fngen/nomad/agents"
	"fngen.dev/fngen/nomad/dev/bootstrap"
	"fngen.dev/fngen/nomad/dev/certs"
	"fngen.dev/fngen/nomad/dev/process"
)

// member gives an agent what other agents know it by, and returns its certificate: a
// renewed one is a restart.
func (c *cluster) member(a *agents.NomadAgent) ([]byte, error) {
	role := certs.NomadClient
	if a.Server {
		role = certs.NomadServer
		var err error
		if a.GossipKey, err = c.secrets.GossipKey(bootstrap.NomadGossip); err != nil {
			return nil, err
		}
	}
	f := certs.NomadIn(c.NomadTLS(), role)
	a.CAFile, a.CertFile, a.KeyFile = f.CA, f.Cert, f.Key
	cert, err := os.ReadFile(f.Cert)
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	return cert, nil
}

// introduce lets the agent of dir, which does not run, join as a node of that name.
func (c *cluster) introduce(ctx context.Context, dir, node string) error {
	token, err := c.nomad.Introduction(ctx, node)
	if err != nil {
		return err
	}
	client := filepath.Join(dir, "nomad", "client")
	if err := os.MkdirAll(client, 0o700); err != nil {
		return fmt.Errorf("create %s: %w", client, err)
	}
	return writeFile(filepath.Join(client, "intro_token.jwt"), []byte(token), 0o600)
}

// introducePlatform lets the server's own agent join as a node. Nobody else could
// make the token, so that its first start is two.
func (c *cluster) introducePlatform(ctx context.Context) error {
	known, err := c.nomad.Knows(ctx, platformNode)
	if err != nil || known {
		return err
	}
	if err := c.introduce(ctx, c.Data("nomad"), platformNode); err != nil {
		return err
	}
	r, _ := process.Load(c.Run(), "nomad")
	if err := process.Stop(c.Run(), r, stopGrace); err != nil {
		return err
	}
	return c.nomadServerAgent(ctx)
}
