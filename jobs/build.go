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
	"fngen.dev/fngen/compiler/source"
)

// LayerKey identifies a virtual environment by all that goes into it: the
// requirement files with every file they read, what of the tree they install,
// what the platform provides, its SDK, Python, uv and the package index settings of the nodes.
func LayerKey(p *ir.Project, m source.Manifest, c Cluster) string {
	digests := map[string]string{}
	for _, f := range m.Files {
		digests[f.Path] = f.SHA256
	}
	type input struct{ Path, SHA256 string }
	content := struct {
		Format                   int
		Python, Platform, SDK    string
		UVVersion, BuildSettings string
		Files                    []input
		Local                    *string
		Hashed                   bool
		Provided                 []string
		Packages                 string `json:",omitempty"`
	}{
		Format: 3, Python: p.Python, Platform: "linux/amd64", SDK: ir.SDKVersion,
		UVVersion: c.UVVersion, BuildSettings: c.BuildDigest, Provided: p.Dependencies.Provided,
		Hashed: p.Dependencies.Hashed, Packages: p.Dependencies.Digest,
	}
	files := p.Dependencies.Files
	if p.Dependencies.Digest != "" {
		files = nil // what they mean counts, not what else they say
	}
	for _, path := range files {
		content.Files = append(content.Files, input{path, digests[path]})
	}
	if p.Dependencies.Local != "" {
		content.Local = &p.Dependencies.Local
	}
	text, err := json.Marshal(content)
	if err != nil {
		panic("layer key: " + err.Error()) // strings and numbers only
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// BuildID is the batch job that builds a layer; the control plane accepts a
// layer only from the job of that very key.
func BuildID(layer string) string { return "build-" + layer }

// Build makes the batch job that builds the layer of a release, once, on a build
// node, as the project's user and without any of its secrets.
func Build(p *ir.Project, r Release, c Cluster) (*nomad.Job, error) {
	pairs := []string{
		"project", p.Name, "python", p.Python, "tree", r.Tree, "layer", r.Layer,
		"uid", strconv.Itoa(r.UID), "api", c.APIURL,
	}
	if len(p.Dependencies.Files) > 0 {
		// The first file is the entry point: it reads the others itself.
		pairs = append(pairs, "file", p.Dependencies.Files[0])
	}
	if p.Dependencies.Local != "" || len(p.Dependencies.Git) > 0 {
		pairs = append(pairs, "copy-tree", "true")
	}
	if p.Dependencies.Hashed && p.Dependencies.Digest == "" {
		pairs = append(pairs, "require-hashes", "true")
	}
	for _, requirement := range p.Dependencies.Provided {
		pairs = append(pairs, "provided", requirement)
	}
	args := flags("build", pairs...)
	if err := errors.Join(checkProject(p), check(args...)); err != nil {
		return nil, fmt.Errorf("lower the build of project %q: %w", p.Name, err)
	}
	task := agentTask("build", args, &nomad.Resources{
		CPU: new(500), MemoryMB: new(512), MemoryMaxMB: new(2048),
	})
	return onBuildNode(p, BuildID(r.Layer), fmt.Sprintf("Builds the Python %s virtual environment of project **%s**.", p.Python, p.Name), task, c), nil
}

// onBuildNode makes a batch job that runs one task once, named after it.
func onBuildNode(p *ir.Project, id, description string, task *nomad.Task, c Cluster) *nomad.Job {
	return &nomad.Job{
		ID: new(id), Name: new(id), Namespace: new(p.Name), Type: new("batch"),
		Datacenters: []string{"*"},
		UI:          &nomad.JobUIConfig{Description: description},
		TaskGroups: []*nomad.TaskGroup{{
			Name: new(task.Name), Count: new(1),
			Constraints:      []*nomad.Constraint{nomad.NewConstraint("${node.class}", "=", c.BuildClass)},
			RestartPolicy:    once(),
			ReschedulePolicy: never(),
			Networks:         networked(),
			Volumes:          volumes(),
			Tasks:            []*nomad.Task{task},
		}},
	}
}
