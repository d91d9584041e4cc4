package layerroutes_test

import (
	"net/http"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server"
	"fngen.dev/fngen/pkg/server/quota"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/server/treetest"
)

func TestAgentLayer(t *testing.T) {
	p, c := servertest.WithShop(t)
	if _, err := c.CreateProject(t.Context(), "bank"); err != nil {
		t.Fatal(err)
	}
	key := strings.Repeat("k", 16)
	path := "/v1/agent/layers/" + key
	steps := []struct {
		what, method, path, namespace, job, body string
		status                                   int
		answer                                   string
	}{
		{"not built", "GET", path, "shop", "web-a", "", 404, ""},
		{"from another job", "PUT", path, "shop", "web-a", "evil", 403, ""},
		{"from the build of another key", "PUT", path, "shop", "build-x" + key[1:], "evil", 403, ""},
		{"not a key", "PUT", "/v1/agent/layers/K", "shop", "build-K", "evil", 400, ""},
		{"from its build", "PUT", path, "shop", "build-" + key, "layer", 204, ""},
		{"built", "GET", path, "shop", "web-a", "", 200, "layer"},
		{"asked for", "HEAD", path, "shop", "web-a", "", 200, ""},
		{"for another project", "GET", path, "bank", "web-a", "", 404, ""},
		{"from another project's build", "PUT", path, "bank", "build-" + key, "other", 204, ""},
		{"not mixed up", "GET", path, "shop", "web-a", "", 200, "layer"},
		{"built again", "PUT", path, "shop", "build-" + key, "again", 204, ""},
		{"the later one", "GET", path, "shop", "web-a", "", 200, "again"},
		{"from the collection of another key", "PUT", path, "shop", "static-x" + key[1:], "evil", 403, ""},
		{"from its collection", "PUT", path, "shop", "static-" + key, "files", 204, ""},
		{"collected", "GET", path, "shop", "web-a", "", 200, "files"},
		{"what is live", "GET", "/v1/agent/static", "shop", "web-a", "", 200, `{"keys":["static-of-shop"]}` + "\n"},
	}
	for _, s := range steps {
		resp, text := p.AgentRequest(t, s.method, s.path, s.namespace, s.job, strings.NewReader(s.body))
		if resp.StatusCode != s.status || s.answer != "" && string(text) != s.answer {
			t.Errorf("%s: %s %q", s.what, resp.Status, text)
		}
		if _, err := http.ParseTime(resp.Header.Get("Last-Modified")); resp.StatusCode == 200 && s.path == path && err != nil {
			t.Errorf("%s: %v", s.what, err)
		}
		if s.method == "HEAD" && resp.ContentLength != int64(len("layer")) {
			t.Errorf("%s: length %d", s.what, resp.ContentLength)
		}
	}
	// An API key is not a workload identity, nor the other way.
	_, secret := p.Account(t, "b@example.com")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+secret.Reveal())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("an API key at the agents' door: %s", resp.Status)
	}
	if resp, _ := p.AgentRequest(t, "GET", "/v1/account", "shop", "web-a", nil); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a workload identity at the people's door: %s", resp.Status)
	}
}

// TestLayerWithinQuota has a build send more than its project may take.
func TestLayerWithinQuota(t *testing.T) {
	p, _ := servertest.WithShop(t)
	p.Restart(func(o *server.Options) { o.Quota = quota.Step })
	key := strings.Repeat("k", 16)
	path := "/v1/agent/layers/" + key
	resp, text := p.AgentRequest(t, "PUT", path, "shop", "build-"+key, strings.NewReader(treetest.Noise(1, quota.Step+1<<20)))
	if resp.StatusCode != http.StatusInsufficientStorage || servertest.DecodeProblem(t, text).Code != api.NoRoom {
		t.Errorf("%s %s", resp.Status, text)
	}
	row, err := p.Store.ProjectByName(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if used, err := p.Blobs.Usage(row.Scope()); err != nil || used > 0 {
		t.Errorf("%d bytes were kept, %v", used, err)
	}
	// It needs all of the share: nothing is promised any more.
	if resp, text := p.AgentRequest(t, "PUT", path, "shop", "build-"+key, strings.NewReader("small")); resp.StatusCode != http.StatusNoContent {
		t.Errorf("%s %s", resp.Status, text)
	}
}
