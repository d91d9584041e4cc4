package deploy

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/jobs"
)

// oneRegion is a scheduler with servers in one place; a push gets no further here.
type oneRegion struct{ Scheduler }

func (oneRegion) Datacenters(context.Context, string) ([]string, error) {
	return []string{"us-west"}, nil
}

// TestTarget holds that the control plane refuses what it tells clients that it
// lacks: a client may be older, or another program.
func TestTarget(t *testing.T) {
	s := &Service{nomad: oneRegion{}, cfg: Config{Cluster: jobs.DefaultCluster(), Pythons: []string{"3.11"}}}
	platform, err := s.Platform(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	target, err := s.target(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(platform.Powers, target.Powers); diff != "" || len(target.Powers) == 0 {
		t.Errorf("clients are told of other Powers (-told +compiled): %s", diff)
	}
	tree := source.Tree{FS: fstest.MapFS{"app.py": {Data: []byte("from fngen.powers import task_worker, webapp\n" +
		"@task_worker\ndef work(): pass\n@webapp('flask', domain='a.fngen.localhost')\ndef site(): return 1\n")}}}
	tree.Files = []source.File{{Path: "app.py"}}
	_, list := compiler.Compile(t.Context(), compiler.Input{Tree: tree, Project: "shop", Target: target})
	var codes []string
	for _, d := range list {
		codes = append(codes, d.Code)
	}
	if diff := cmp.Diff([]string{"FN1313", "FN1353"}, codes); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
}
