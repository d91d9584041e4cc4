package deploytest

import (
	"testing"
	"testing/synctest"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/store"
)

// TestConform holds the real deployer to the suite that those pass with which package
// server and the CLI are tested.
func TestConform(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		servertest.Conform(t, w.service, w.actor, "conform", func(p store.Project) api.PushRequest {
			w.project = p
			return api.PushRequest{Tree: w.tree(code(1, oneServer, "one"))}
		})
	})
}
