package server

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestIdentityOfAProjectThatIsGone has another account create a project of the same
// name. What Nomad signed for the first opens nothing of it, whether its allocation
// has ended or Nomad does not say.
func TestIdentityOfAProjectThatIsGone(t *testing.T) {
	p, c := projectOf(t)
	old := p.nomad.sign(t, jobClaims("shop", "web-a").with("iat", time.Now().Add(-time.Minute).Unix()))
	if _, err := c.Destroy(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	other, _ := p.account(t, "b@example.com")
	if _, err := other.CreateProject(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	tree := newTree(map[string]string{"secret.py": "KEY = 1"})
	upload(t, other, "shop", tree)
	path := p.url + "/v1/agent/trees/" + strings.TrimPrefix(tree.Digest(), "sha256:")
	ask := func(what, token string, want int) {
		t.Helper()
		if got := statusOf(t, path, token); got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	// Nomad's keys are known by then.
	ask("the new one", p.nomad.sign(t, jobClaims("shop", "web-b")), http.StatusOK)
	p.nomad.broken.Store(true)
	ask("the old one, Nomad is away", old, http.StatusUnauthorized)
	ask("a new one, Nomad is away", p.nomad.sign(t, jobClaims("shop", "web-c")), http.StatusOK)
	p.nomad.broken.Store(false)
	p.nomad.end(allocationOf("shop", "web-a"))
	ask("the old one", old, http.StatusUnauthorized)
	ask("the old one, as if renewed", p.nomad.sign(t, jobClaims("shop", "web-a")), http.StatusUnauthorized)
}

// TestAllocationIsAskedAboutOnce holds how long an answer is believed.
func TestAllocationIsAskedAboutOnce(t *testing.T) {
	p, c := projectOf(t)
	now := time.Now()
	p.server.alive.now = func() time.Time { return now }
	tree := newTree(map[string]string{"a.py": "1"})
	upload(t, c, "shop", tree)
	path := "/v1/agent/trees/" + strings.TrimPrefix(tree.Digest(), "sha256:")
	for range 3 {
		if resp, text := p.agentRequest(t, http.MethodGet, path, "shop", "web-a", nil); resp.StatusCode != http.StatusOK {
			t.Fatalf("%s %s", resp.Status, text)
		}
	}
	if p.nomad.about != 1 {
		t.Errorf("asked %d times", p.nomad.about)
	}
	p.nomad.end(allocationOf("shop", "web-a"))
	now = now.Add(aliveAge)
	if resp, _ := p.agentRequest(t, http.MethodGet, path, "shop", "web-a", nil); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("after it ended: %s", resp.Status)
	}
}

func statusOf(t *testing.T, url, token string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
