package jobs

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
)

// Schemas say what the task workers of a release take; Job makes them.
type Schemas struct {
	// Key is what they are kept under.
	Key string
	Job *nomad.Job
}

// SchemasKey identifies the schemas of a release by what they are made of: the code. That
// types depend on variables is not provided for. It is empty where no function takes
// tasks.
func SchemasKey(p *ir.Project, r Release) string {
	workers := workersOf(p)
	if len(workers) == 0 {
		return ""
	}
	text, err := json.Marshal(struct {
		Schemas             int
		Tree, Layer, Python string
		Workers             []string
	}{1, r.Tree, r.Layer, p.Python, workers})
	if err != nil {
		panic("schemas key: " + err.Error()) // strings and numbers only
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// workersOf are the functions that take tasks, FILE:NAME.
func workersOf(p *ir.Project) []string {
	var out []string
	for _, f := range p.Functions {
		if f.TaskWorker != nil {
			out = append(out, f.File+":"+f.Name)
		}
	}
	return out
}

// SchemasID is the batch job that makes schemas; the control plane accepts them only from
// the job of that very key.
func SchemasID(key string) string { return "schemas-" + key }

// SchemasOf makes the batch job that imports the task workers of a release, as the
// project's user on a build node, and writes what each takes; nil where there are none.
func SchemasOf(p *ir.Project, r Release, c Cluster) (*Schemas, error) {
	key := SchemasKey(p, r)
	if key == "" {
		return nil, nil
	}
	var first ir.Function
	for _, f := range p.Functions {
		if f.TaskWorker != nil {
			first = f
			break
		}
	}
	pairs := []string{
		"project", p.Name, "function", first.Name, "power", string(first.Power), "file", first.File,
		"python", p.Python, "tree", r.Tree, "layer", r.Layer, "uid", strconv.Itoa(r.UID), "api", c.APIURL,
		"static", key, "env", version(r.Env),
	}
	for _, worker := range workersOf(p) {
		pairs = append(pairs, "worker", worker)
	}
	args := flags("collect", pairs...)
	if err := errors.Join(checkProject(p), check(args...)); err != nil {
		return nil, fmt.Errorf("lower the schemas of project %q: %w", p.Name, err)
	}
	task := withVariables(agentTask("schemas", args, &nomad.Resources{
		CPU: new(500), MemoryMB: new(256), MemoryMaxMB: new(1024),
	}), p, r)
	description := fmt.Sprintf("Reads what the task workers of project **%s** take.", p.Name)
	return &Schemas{key, onBuildNode(p, SchemasID(key), description, task, c)}, nil
}
