package agent

import (
	"testing"

	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/agent/testbed"
)

// TestControlPlaneConforms holds the control plane of these tests to what the real
// one answers.
func TestControlPlaneConforms(t *testing.T) {
	c := testbed.NewControlPlane(t)
	agenttest.Conform(t, agenttest.ControlPlane{Client: c.Client(), URL: c.URL, Identity: "the-identity"})
}
