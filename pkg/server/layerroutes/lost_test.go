package layerroutes_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/server/treetest"
)

// A layer that is lost is one that was not built.
func TestLostLayer(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, file string){
		"deleted": func(t *testing.T, file string) { ok(t, os.Remove(file)) }, "flipped": flip,
		"truncated": func(t *testing.T, file string) { ok(t, os.Truncate(file, 1)) },
	} {
		p, _ := servertest.WithShop(t)
		key := strings.Repeat("k", 16)
		path := "/v1/agent/layers/" + key
		put := func() {
			if resp, text := p.AgentRequest(t, "PUT", path, "shop", "build-"+key, strings.NewReader("layer")); resp.StatusCode != http.StatusNoContent {
				t.Fatalf("%s %s", resp.Status, text)
			}
		}
		put()
		row, err := p.Store.ProjectByName(t.Context(), "shop")
		ok(t, err)
		damage(t, filepath.Join(p.BlobPath, row.Scope(), treetest.DigestOf("layer")))
		for _, method := range []string{"GET", "HEAD", "GET"} {
			if resp, text := p.AgentRequest(t, method, path, "shop", "web-a", nil); resp.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %s %s", name, resp.Status, text)
			}
		}
		put()
		if resp, text := p.AgentRequest(t, "GET", path, "shop", "web-a", nil); resp.StatusCode != http.StatusOK || !bytes.Equal(text, []byte("layer")) {
			t.Errorf("%s, built again: %s %s", name, resp.Status, text)
		}
	}
}

func flip(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	ok(t, err)
	data[0] ^= 1
	ok(t, os.WriteFile(file, data, 0o600))
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
