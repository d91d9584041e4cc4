// Package jobs lowers a resolved project to Nomad jobs.
//
// Lower is a pure function: no clock, environment, random or network, so that
// what `fngen compile` prints, what a plan shows and what a push registers are
// the same bytes. Each Power has its own file; what they share is in group.go.
//
// A job is never assembled as text. The HCL that people read is emitted from the
// same typed job (HCL), and user text reaches a job only after checkProject has
// seen it: Nomad interpolates "${" at run time and evaluates a driver's config a
// second time, and there is no escape for either.
package jobs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
)

// Release is what a push adds to the resolved project.
type Release struct {
	// Number counts the project's releases from 1.
	Number int `json:"number"`
	// Tree is the digest of the manifest, "sha256:<hex>".
	Tree string `json:"tree"`
	// Layer is the key of the virtual environment.
	Layer string `json:"layer"`
	// Env is the version of the project's variables, 0 for none.
	Env int `json:"env,omitempty"`
	// UID is the user and group that the project's code runs as, on every node.
	UID int `json:"uid"`
}

// Cluster is what a job must know of the platform it runs on.
type Cluster struct {
	// Domain is the suffix of every project's host.
	Domain string
	// Port is the ingress port; URLs carry it unless it is 443.
	Port int
	// APIURL is where an agent reaches the control plane.
	APIURL string
	// BuildClass is the node class that builds layers.
	BuildClass string
	// UVVersion and BuildDigest (of the nodes' package index settings) are part
	// of a layer's identity.
	UVVersion   string
	BuildDigest string
}

// DefaultCluster is the cluster of the offline compiler.
func DefaultCluster() Cluster {
	return Cluster{Domain: "fngen.localhost", Port: 443, APIURL: "https://api.fngen.localhost", BuildClass: "platform"}
}

// URL is the address of a host label of the platform.
func (c Cluster) URL(label string) string {
	if c.Port == 0 || c.Port == 443 {
		return fmt.Sprintf("https://%s.%s", label, c.Domain)
	}
	return fmt.Sprintf("https://%s.%s:%d", label, c.Domain, c.Port)
}

// Lower returns the jobs of a release, sorted by id.
//
// An error is a broken invariant: the compiler has refused, with a place, every
// string that is refused here.
func Lower(p *ir.Project, r Release, c Cluster) ([]*nomad.Job, error) {
	if err := errors.Join(checkProject(p), check(r.Tree, r.Layer, c.APIURL, c.Domain)); err != nil {
		return nil, fmt.Errorf("lower project %q: %w", p.Name, err)
	}
	var out []*nomad.Job
	for _, f := range p.Functions {
		job, err := lowerFunction(p, f, r, c)
		if err != nil {
			return nil, fmt.Errorf("lower function %q: %w", f.Name, err)
		}
		out = append(out, job)
	}
	slices.SortFunc(out, func(a, b *nomad.Job) int { return strings.Compare(*a.ID, *b.ID) })
	return out, nil
}

func lowerFunction(p *ir.Project, f ir.Function, r Release, c Cluster) (*nomad.Job, error) {
	switch f.Power {
	case ir.PowerWebApp:
		return webApp(p, f, r, c)
	case ir.PowerTaskWorker:
		return taskWorker(p, f, r, c)
	default:
		return nil, fmt.Errorf("power %q has no job", f.Power)
	}
}

// ID is the job of a function: its kind, because Nomad refuses to change the
// type of a job, and its name.
func ID(f ir.Function) string { return kinds[f.Power] + "-" + f.Name }

var kinds = map[ir.Power]string{ir.PowerWebApp: "web", ir.PowerTaskWorker: "task"}
