package conform

import (
	"crypto/rand"
	"os"
	"strings"
	"testing"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/nomad/nomadtest"
)

// TestNomad holds the real Nomad to the suite that the one in memory passes, with
// which package deploy is tested.
func TestNomad(t *testing.T) {
	cluster.Require(t)
	client, err := nomad.New(os.Getenv("NOMAD_ADDR"), os.Getenv("NOMAD_TOKEN"))
	if err != nil {
		t.Fatal(err)
	}
	nomadtest.Conform(t, client, "t-"+strings.ToLower(rand.Text()[:6]), "s", "us-east")
}
