package server

import (
	"net/http"
	"testing"

	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/store"
)

// TestConformsForAgents holds the real control plane to the suite that the one passes
// with which the agent is tested.
func TestConformsForAgents(t *testing.T) {
	p := newPlatform(t)
	account, err := p.store.CreateAccount(t.Context(), store.Actor{}, "a@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.store.CreateProject(t.Context(), store.Actor{AccountID: account.ID}, "shop"); err != nil {
		t.Fatal(err)
	}
	agenttest.Conform(t, agenttest.ControlPlane{Client: http.DefaultClient, URL: p.url, Identity: p.nomad.sign(t, jobClaims("shop", "build-"+agenttest.Key))})
}
