package agent

import (
	"fmt"
	"os"
	"path/filepath"

	"fngen.dev/fngen/pkg/agent/confine"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/api"
)

// prepare checks that the agent may become the project's user, closes to it what
// is Nomad's, and returns the means to fetch.
func prepare(t *target, log console.Logger) (*cache, *client, error) {
	if err := confine.BecomeRoot(); err != nil {
		return nil, nil, err
	}
	if euid := os.Geteuid(); euid != 0 && euid != t.uid {
		return nil, nil, fmt.Errorf("must start as root to become user %d, and runs as user %d", t.uid, euid)
	}
	if err := confine.CloseTask(filepath.Dir(t.app), t.uid); err != nil {
		return nil, nil, err
	}
	asks, err := connect(t, log)
	if err != nil {
		return nil, nil, err
	}
	c, err := openCache(t.cache, t.uid, log)
	if err != nil {
		return nil, nil, err
	}
	return c, asks, nil
}

// connect returns the means to ask the control plane.
func connect(t *target, log console.Logger) (*client, error) {
	transport, err := api.NewTransport(filepath.Join(t.node, "etc", "ca.pem"))
	if err != nil {
		return nil, err
	}
	// The project's own variables are in the environment too; its proxy is for its
	// code, not for the platform's traffic.
	transport.Proxy = nil
	return newClient(t.api, t.identity, transport, log), nil
}
