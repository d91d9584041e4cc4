// Package agenttest is what the agent goes by of the control plane: the suite that
// the real one passes, and the one with which the agent is tested.
package agenttest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/api"
)

// ControlPlane is one under test, asked with the identity of the build of the layer
// Key.
type ControlPlane struct {
	Client        *http.Client
	URL, Identity string
}

// Key is the layer that the identity may store.
const Key = "0123456789abcdef0123456789abcdef"

// Conform holds what every control plane answers an agent.
func Conform(t *testing.T, c ControlPlane) {
	const layer, tree = "/v1/agent/layers/" + Key, "/v1/agent/trees/"
	c.problem(t, http.MethodGet, layer, "", http.StatusUnauthorized, api.Unauthenticated)
	c.problem(t, http.MethodGet, layer, "not-"+c.Identity, http.StatusUnauthorized, api.Unauthenticated)
	c.problem(t, http.MethodGet, layer, c.Identity, http.StatusNotFound, api.NotFound)
	c.problem(t, http.MethodGet, tree+strings.Repeat("0", 64), c.Identity, http.StatusNotFound, api.NotFound)
	if resp, _ := c.ask(t, http.MethodHead, layer, c.Identity, nil); resp.StatusCode != http.StatusNotFound {
		t.Errorf("of a layer that is not there: %s", resp.Status)
	}
	packed := []byte("a layer, or what looks like one")
	for range 2 { // a build that runs again replaces it
		if resp, text := c.ask(t, http.MethodPut, layer, c.Identity, packed); resp.StatusCode != http.StatusNoContent {
			t.Fatalf("a layer is stored: %s: %s", resp.Status, text)
		}
	}
	resp, got := c.ask(t, http.MethodGet, layer, c.Identity, nil)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/zstd" || !bytes.Equal(got, packed) {
		t.Errorf("a layer that is there: %s, %q: %q", resp.Status, resp.Header.Get("Content-Type"), got)
	}
	if resp, _ := c.ask(t, http.MethodHead, layer, c.Identity, nil); resp.StatusCode != http.StatusOK {
		t.Errorf("of a layer that is there: %s", resp.Status)
	}
}

// problem holds that a request is refused, in words that an agent can read.
func (c ControlPlane) problem(t *testing.T, method, path, identity string, status int, code api.Code) {
	t.Helper()
	resp, text := c.ask(t, method, path, identity, nil)
	var p api.Problem
	if err := json.Unmarshal(text, &p); err != nil || resp.StatusCode != status || p.Code != code || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s %s as %q: %s, %q: %s", method, path, identity, resp.Status, resp.Header.Get("Content-Type"), text)
	}
}

func (c ControlPlane) ask(t *testing.T, method, path, identity string, body []byte) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if identity != "" {
		req.Header.Set("Authorization", "Bearer "+identity)
	}
	resp, err := c.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, text
}
