package server_test

import (
	"testing"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/store"
)

// TestDeployerConforms holds the deployer of these tests to what the real one does.
func TestDeployerConforms(t *testing.T) {
	p := servertest.New(t)
	close(p.Deployer.Proceed)
	account, err := p.Store.CreateAccount(t.Context(), store.Actor{}, "a@example.com")
	if err != nil {
		t.Fatal(err)
	}
	servertest.Conform(t, p.Deployer, store.Actor{AccountID: account.ID, Email: account.Email}, "conform", func(store.Project) api.PushRequest {
		return api.PushRequest{Tree: "sha256:0"}
	})
}
