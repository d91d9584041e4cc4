package jobs

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
)

// Static is one collection of Django's static files, and the job that makes it.
type Static struct {
	// Settings is the module of settings, Key what the result is kept under.
	Settings, Key string
	Job           *nomad.Job
}

// staticKey identifies collected files by all that they are made of: any file of
// the tree may be one of them or have a say in what is, and so may a variable.
func staticKey(p *ir.Project, r Release, settings string) string {
	text, err := json.Marshal(struct {
		Static                        int
		Tree, Layer, Python, Settings string
		Env                           int `json:",omitempty"`
	}{1, r.Tree, r.Layer, p.Python, settings, r.Env})
	if err != nil {
		panic("static key: " + err.Error()) // strings and numbers only
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// staticOf is the key of the files that a function serves, or empty.
func staticOf(p *ir.Project, f ir.Function, r Release) string {
	if f.WebApp == nil || f.WebApp.Static == "" {
		return ""
	}
	return staticKey(p, r, f.WebApp.Static)
}

// StaticID is the batch job that collects static files; the control plane accepts
// them only from the job of that very key.
func StaticID(key string) string { return "static-" + key }

// Statics returns what is to be collected for a release, once for each module of
// settings, in file order of the functions that use it.
func Statics(p *ir.Project, r Release, c Cluster) ([]Static, error) {
	if err := errors.Join(checkProject(p), check(r.Tree, r.Layer, c.APIURL)); err != nil {
		return nil, fmt.Errorf("lower the static files of project %q: %w", p.Name, err)
	}
	var out []Static
	for _, f := range p.Functions {
		key := staticOf(p, f, r)
		if key == "" || slices.ContainsFunc(out, func(s Static) bool { return s.Key == key }) {
			continue
		}
		job, err := static(p, f, key, r, c)
		if err != nil {
			return nil, fmt.Errorf("lower the static files of function %q: %w", f.Name, err)
		}
		out = append(out, Static{f.WebApp.Static, key, job})
	}
	return out, nil
}

// static makes the batch job that collects the files of one function, on a build
// node, as the project's user.
func static(p *ir.Project, f ir.Function, key string, r Release, c Cluster) (*nomad.Job, error) {
	pairs := []string{
		"project", p.Name, "function", f.Name, "power", string(f.Power), "file", f.File,
		"python", p.Python, "tree", r.Tree, "layer", r.Layer, "uid", strconv.Itoa(r.UID), "api", c.APIURL,
		"settings", f.WebApp.Static, "static", key, "env", version(r.Env),
	}
	for _, name := range placeholders(p) {
		pairs = append(pairs, "placeholder", name)
	}
	args := flags("collect", pairs...)
	if err := check(args...); err != nil {
		return nil, err
	}
	task := withVariables(agentTask("collect", args, &nomad.Resources{
		CPU: new(500), MemoryMB: new(256), MemoryMaxMB: new(1024),
	}), p, r)
	description := fmt.Sprintf("Collects the static files of project **%s** by the settings in `%s`.", p.Name, f.WebApp.Static)
	return onBuildNode(p, StaticID(key), description, task, c), nil
}

// FetchID is the batch job that brings static files to nodes ahead of a rollout.
const FetchID = "fetch-static"

// Fetch makes the batch job that brings the static files of a release to the nodes
// with these ids, where instances of the release before run: while both are in the
// router, pages of the new one ask them for its files.
func Fetch(p *ir.Project, r Release, c Cluster, statics []Static, nodes []string) (*nomad.Job, error) {
	pairs := []string{"project", p.Name, "python", p.Python, "tree", r.Tree, "uid", strconv.Itoa(r.UID), "api", c.APIURL}
	for _, s := range statics {
		pairs = append(pairs, "static", s.Key)
	}
	args := flags("fetch", pairs...)
	if err := errors.Join(checkProject(p), check(args...), check(nodes...)); err != nil {
		return nil, fmt.Errorf("lower the handing over of static files of project %q: %w", p.Name, err)
	}
	constraint := nomad.NewConstraint("${node.unique.id}", "set_contains_any", strings.Join(nodes, ","))
	description := fmt.Sprintf("Brings the next static files of project **%s** to the nodes that serve it.", p.Name)
	return onNodes(p.Name, FetchID, description, agentTask("fetch", args, errand()), []*nomad.Constraint{constraint}), nil
}

// placeholders are the variables without which Django's settings fail and whose
// value collecting does not need: its secret key.
func placeholders(p *ir.Project) []string {
	var out []string
	for _, v := range p.Env {
		if v.Required && strings.HasSuffix(v.Name, "SECRET_KEY") && ir.ValidVariable(v.Name) {
			out = append(out, v.Name)
		}
	}
	return out
}
