package jobset

import (
	"testing"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
)

// TestJobsRoundTrip holds that a stored release lowers to the same text again,
// which is how an unchanged push is known.
func TestJobsRoundTrip(t *testing.T) {
	project := &ir.Project{
		Name: "shop", Python: "3.11", Servers: []ir.Server{{Name: "web", Size: "s", Region: "us-west", Count: 1}},
		Functions: []ir.Function{{Name: "a", Power: ir.PowerWebApp, File: "a.py", WebApp: &ir.WebApp{Health: "/", Hosts: []string{"shop"}}}},
	}
	lowered, err := jobs.Lower(project, jobs.Release{Number: 1, Tree: "sha256:0"}, jobs.DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	text, err := Encode(lowered)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	again, err := Encode(decoded)
	if err != nil || again != text {
		t.Errorf("jobs changed in the store: %v\n%s\n%s", err, text, again)
	}
}
