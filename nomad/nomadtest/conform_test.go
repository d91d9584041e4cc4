package nomadtest_test

import (
	"testing"
	"testing/synctest"

	"fngen.dev/fngen/nomad/nomadtest"
)

// TestConform holds the Nomad in memory to what the real one does (e2e/conform/nomad_test.go).
func TestConform(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nomadtest.New(&nomadtest.Node{ID: "n1", Class: "s", Region: "us-west", MB: 960}, &nomadtest.Node{ID: "p", Class: "platform", Region: "us-west", MB: 960})
		c.Behave = nomadtest.Shell
		nomadtest.Conform(t, c, "conform", "s", "us-west")
	})
}
