package e2e

import (
	"os"
	"testing"

	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/nomad/nomadtest"
)

// TestNomad holds the real Nomad to the suite that the one in memory passes, with
// which package deploy is tested.
func TestNomad(t *testing.T) {
	requireCluster(t)
	beside(t, "east s") // it fills them
	client, err := nomad.New(os.Getenv("NOMAD_ADDR"), os.Getenv("NOMAD_TOKEN"))
	check(t, err)
	nomadtest.Conform(t, client, randomName(), "s", "us-east")
}
