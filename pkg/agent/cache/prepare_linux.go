package cache

import (
	"fmt"
	"os"
	"path/filepath"

	"fngen.dev/fngen/pkg/agent/confine"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/controlplane"
	"fngen.dev/fngen/pkg/api"
)

// Prepare checks that the agent may become the project's user, closes to it what
// is Nomad's, and returns the means to fetch.
func Prepare(t *Target, log console.Logger) (*Cache, *controlplane.Client, error) {
	if err := confine.BecomeRoot(); err != nil {
		return nil, nil, err
	}
	if euid := os.Geteuid(); euid != 0 && euid != t.UID {
		return nil, nil, fmt.Errorf("must start as root to become user %d, and runs as user %d", t.UID, euid)
	}
	if err := confine.CloseTask(filepath.Dir(t.App), t.UID); err != nil {
		return nil, nil, err
	}
	asks, err := Connect(t, log)
	if err != nil {
		return nil, nil, err
	}
	c, err := Open(t.Cache, t.UID, log)
	if err != nil {
		return nil, nil, err
	}
	return c, asks, nil
}

// Connect returns the means to ask the control plane.
func Connect(t *Target, log console.Logger) (*controlplane.Client, error) {
	transport, err := api.NewTransport(filepath.Join(t.Node, "etc", "ca.pem"))
	if err != nil {
		return nil, err
	}
	// The project's own variables are in the environment too; its proxy is for its
	// code, not for the platform's traffic.
	transport.Proxy = nil
	return controlplane.New(t.API, t.Identity, transport, log), nil
}
