package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
)

// TestHCLRoundTrip sends each emitted job to the real parser and validator: what
// a person reads is what was registered.
func TestHCLRoundTrip(t *testing.T) {
	requireCluster(t)
	client, err := nomad.NewClient(nomad.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, job := range everyJob(t) {
		source, err := jobs.HCL(job)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := client.Jobs().ParseHCLOpts(&nomad.JobsParseRequest{JobHCL: string(source), Canonicalize: true})
		if err != nil {
			t.Fatalf("parse %s: %v\n%s", *job.ID, err, source)
		}
		job.Canonicalize()
		if diff := cmp.Diff(job, parsed, cmp.FilterPath(config, cmp.Comparer(sameConfig))); diff != "" {
			t.Errorf("%s differs after parsing (-ours +parsed):\n%s", *job.ID, diff)
		}
		answer, _, err := client.Jobs().Validate(job, nil)
		if err != nil || answer.Error != "" {
			t.Errorf("validate %s: %v %s", *job.ID, err, answer.Error)
		}
	}
}

func everyJob(t *testing.T) []*nomad.Job {
	t.Helper()
	project := &ir.Project{
		Version: ir.Version, Name: "default", Python: "3.11",
		Dependencies: ir.Dependencies{Files: []string{"requirements.txt"}},
		Servers:      []ir.Server{{Name: "web", Size: "s", Region: "us-west", Count: 2}, {Name: "big", Size: "xl", Region: "us-west", Count: 1}},
		Functions: []ir.Function{{
			Name: "live_app", Power: ir.PowerWebApp, File: "a dir/app's.py", Line: 12,
			WebApp: &ir.WebApp{Framework: "fastapi", Compute: "server", Health: "/", Hosts: []string{"live-app--hello", "hello"}},
		}},
	}
	release := jobs.Release{Number: 3, Tree: "sha256:00", Layer: "abcdef0123456789", UID: 700001}
	list, err := jobs.Lower(project, release, jobs.DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	build, err := jobs.Build(project, release, jobs.DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	purge, err := jobs.Purge("default", 700001)
	if err != nil {
		t.Fatal(err)
	}
	return append(list, build, purge)
}

// config are driver configurations: the parser gives lists of any.
func config(p cmp.Path) bool { return p.Last().String() == ".Config" }

func sameConfig(a, b map[string]any) bool {
	return cmp.Equal(plain(a), plain(b))
}

func plain(m map[string]any) map[string][]string {
	out := map[string][]string{}
	for k, v := range m {
		switch v := v.(type) {
		case string:
			out[k] = []string{v}
		case []string:
			out[k] = v
		case []any:
			for _, item := range v {
				s, _ := item.(string)
				out[k] = append(out[k], s)
			}
		}
	}
	return out
}
