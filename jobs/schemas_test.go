package jobs

import (
	"path/filepath"
	"slices"
	"testing"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
)

func TestSchemas(t *testing.T) {
	p := hello()
	p.Functions = slices.DeleteFunc(p.Functions, func(f ir.Function) bool { return f.TaskWorker != nil })
	if s, err := SchemasOf(p, release, DefaultCluster()); err != nil || s != nil {
		t.Errorf("a project without task workers has schemas: %v, %v", s, err)
	}
	worker := func(name string) ir.Function {
		return ir.Function{Name: name, Power: ir.PowerTaskWorker, File: "tasks.py", Line: 3, TaskWorker: &ir.TaskWorker{Concurrency: 1, Timeout: 60}}
	}
	p.Functions = append(p.Functions, worker("send"), worker("pack"))
	s, err := SchemasOf(p, release, DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "schemas"), []*nomad.Job{s.Job})

	seen := map[string]bool{s.Key: true}
	later := release
	later.Number++
	if key := SchemasKey(p, later); key != s.Key {
		t.Error("the release's number changes the key")
	}
	tree, other := release, *p
	tree.Tree = "sha256:1"
	other.Functions = other.Functions[:len(p.Functions)-1]
	for _, key := range []string{SchemasKey(p, tree), SchemasKey(&other, release)} {
		if seen[key] {
			t.Errorf("%s comes twice", key)
		}
		seen[key] = true
	}
}
