package workload_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/server/treetest"
	"fngen.dev/fngen/pkg/server/workload/workloadtest"
)

// TestIdentityOfAProjectThatIsGone has another account create a project of the same
// name. What Nomad signed for the first opens nothing of it, whether its allocation
// has ended or Nomad does not say.
func TestIdentityOfAProjectThatIsGone(t *testing.T) {
	p, c := servertest.WithShop(t)
	old := p.Nomad.Sign(t, workloadtest.JobClaims("shop", "web-a").With("iat", time.Now().Add(-time.Minute).Unix()))
	if _, err := c.Destroy(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	other, _ := p.Account(t, "b@example.com")
	if _, err := other.CreateProject(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	tree := treetest.New(map[string]string{"secret.py": "KEY = 1"})
	servertest.Upload(t, other, "shop", tree)
	path := p.URL + "/v1/agent/trees/" + strings.TrimPrefix(tree.Digest(), "sha256:")
	ask := func(what, token string, want int) {
		t.Helper()
		if got := servertest.StatusOf(t, path, token); got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	// Nomad's keys are known by then.
	ask("the new one", p.Nomad.Sign(t, workloadtest.JobClaims("shop", "web-b")), http.StatusOK)
	p.Nomad.Broken.Store(true)
	ask("the old one, Nomad is away", old, http.StatusUnauthorized)
	ask("a new one, Nomad is away", p.Nomad.Sign(t, workloadtest.JobClaims("shop", "web-c")), http.StatusOK)
	p.Nomad.Broken.Store(false)
	p.Nomad.End(workloadtest.AllocationOf("shop", "web-a"))
	ask("the old one", old, http.StatusUnauthorized)
	ask("the old one, as if renewed", p.Nomad.Sign(t, workloadtest.JobClaims("shop", "web-a")), http.StatusUnauthorized)
}
