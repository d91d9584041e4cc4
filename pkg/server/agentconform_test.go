package server_test

import (
	"net/http"
	"testing"

	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/server/workload/workloadtest"
	"fngen.dev/fngen/pkg/store"
)

// TestConformsForAgents holds the real control plane to the suite that the one passes
// with which the agent is tested.
func TestConformsForAgents(t *testing.T) {
	p := servertest.New(t)
	account, err := p.Store.CreateAccount(t.Context(), store.Actor{}, "a@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Store.CreateProject(t.Context(), store.Actor{AccountID: account.ID}, "shop"); err != nil {
		t.Fatal(err)
	}
	agenttest.Conform(t, agenttest.ControlPlane{Client: http.DefaultClient, URL: p.URL, Identity: p.Nomad.Sign(t, workloadtest.JobClaims("shop", "build-"+agenttest.Key))})
}
