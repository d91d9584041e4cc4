package layerroutes

import (
	"encoding/json"
	"testing"

	"fngen.dev/fngen/pkg/api"
)

// FuzzSources reads what comes from where a project's own code was built: what is kept
// is an array of sources, or nothing.
func FuzzSources(f *testing.F) {
	f.Add(`[{"url":"https://example.com/a","commit":"0123"}]`)
	f.Add(`[null, 1]`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, header string) {
		text, err := sourcesOf(header)
		if err != nil || text == "" {
			return
		}
		var list []api.GitSource
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			t.Errorf("%q is kept: %v", text, err)
		}
	})
}
