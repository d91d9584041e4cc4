// Package api is the HTTP contract between fngen and fngend: the types that
// cross it, the errors with their codes, and the client.
//
// Everything here is public JSON: fields are added, never renamed. The server
// (pkg/server) and the client read the same types, so they cannot disagree.
package api

import (
	"time"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/source"
)

// Manifest lists the files of a tree.
type Manifest = source.Manifest

// Account is whose key it is.
type Account struct {
	Email string `json:"email"`
}

// Platform is what a client must know before it compiles: what this platform
// has. GET /v1/platform.
type Platform struct {
	Version string `json:"version"`
	// Domain is the suffix of every project's host.
	Domain string `json:"domain"`
	// Regions are the regions with at least one server; DefaultRegion is one.
	Regions       []string `json:"regions"`
	DefaultRegion string   `json:"default_region"`
	// Pythons are the language versions that the nodes have, such as "3.11".
	Pythons []string `json:"pythons"`
	// Powers are the Powers that run here, such as "webapp".
	Powers []string `json:"powers"`
}

// Project is a line of `fngen projects`.
type Project struct {
	Name string `json:"name"`
	// URL is empty until a web app is live.
	URL string `json:"url"`
	// Release is the live release, 0 before the first.
	Release int `json:"release"`
	// State is "empty", "live", or "failed".
	State     string    `json:"state"`
	CreatedAt time.Time `json:"created_at"`
}

// Missing answers PUT /v1/projects/{project}/trees/{digest}: the contents of the
// tree that the project does not have yet. An empty list means that the tree is
// complete, and kept.
type Missing struct {
	SHA256 []string `json:"sha256"`
}

// PushRequest asks to make a tree live: the query of POST
// /v1/projects/{project}/pushes, which has no body. The project must have the
// tree, else the answer is the problem "tree_missing".
type PushRequest struct {
	// Tree is the manifest's digest, "sha256:<hex>".
	Tree string
	// Entry limits the Powers to one file of the tree: what was pushed was a
	// single file. Empty for a whole tree.
	Entry string
	// Plan is the Seal of the plan that is to be carried out, and nothing else; empty
	// for whatever the tree means now. When the plan does not hold any more the
	// answer is the problem "drifted".
	Plan string
	// Rebuild installs the dependencies anew: branches and ranges of versions are
	// looked up again.
	Rebuild bool
}

// Event is one line of the stream that follows a push or a destroy. Exactly one
// of the pointers is set.
type Event struct {
	Time time.Time `json:"time"`
	// Release is the one that it is about, 0 before it has a number.
	Release int `json:"release,omitempty"`
	// Phase begins a step: "compile", "layer", "release", "rollout", "route".
	Phase *Phase `json:"phase,omitempty"`
	// Output is a line that a tool or the person's code printed.
	Output *Output `json:"output,omitempty"`
	// Done ends a push that succeeded.
	Done *PushResult `json:"done,omitempty"`
	// Failed ends a push that did not.
	Failed *Problem `json:"failed,omitempty"`
}

// Phase is a step of a push, begun or advanced.
type Phase struct {
	Name    string `json:"name"`
	Message string `json:"message"`
}

// Output is one line from the dependency build, a release command or a failed
// function.
type Output struct {
	// Source says who printed it, such as "uv" or "live_app".
	Source string `json:"source"`
	Line   string `json:"line"`
}

// PushResult is what became live.
type PushResult struct {
	Project string `json:"project"`
	Release int    `json:"release"`
	// Changed is false when the tree was live already.
	Changed   bool             `json:"changed"`
	Functions []FunctionResult `json:"functions"`
	// Dependencies say what the live code runs with.
	Dependencies Dependencies `json:"dependencies"`
	// LayerMS and RolloutMS are the platform's part of the time.
	LayerMS   int64 `json:"layer_ms"`
	RolloutMS int64 `json:"rollout_ms"`
	// Diagnostics are the warnings.
	Diagnostics diag.List `json:"diagnostics"`
	// Variables are what became of them, when they are what was changed.
	Variables *VariablesResult `json:"variables,omitempty"`
}

// FunctionResult is a function that runs.
type FunctionResult struct {
	Name  string `json:"name"`
	Power string `json:"power"`
	File  string `json:"file"`
	Line  int    `json:"line"`
	URL   string `json:"url"`
}

// Release is a line of `fngen releases`. GET /v1/projects/{project}/releases.
type Release struct {
	Release int `json:"release"`
	// State is "live", "superseded" (it was live and can be brought back),
	// "failed", "pending", or "interrupted": it failed, and what of it still runs is
	// being undone.
	State     string    `json:"state"`
	By        string    `json:"by"`
	CreatedAt time.Time `json:"created_at"`
	// LiveAt is when it last became live; absent when it never was.
	LiveAt    *time.Time `json:"live_at,omitempty"`
	Functions []string   `json:"functions"`
	Tree      string     `json:"tree"`
	Layer     string     `json:"layer"`
	// Reason says why it failed; of an interrupted one its first line says why it is
	// not undone yet.
	Reason string `json:"reason"`
}

// Destroyed says what was removed. DELETE /v1/projects/{project}.
type Destroyed struct {
	Project string   `json:"project"`
	Jobs    []string `json:"jobs"`
	// Variables are the names of environment variables.
	Variables []string `json:"variables"`
	Releases  int      `json:"releases"`
	Layers    int      `json:"layers"`
	Blobs     int      `json:"blobs"`
	Bytes     int64    `json:"bytes"`
	// Logs is what becomes of the project's log: LogsDeleted, LogsExpire, or empty where
	// there is none.
	Logs string `json:"logs,omitempty"`
	// LogsGone is when it will have been deleted, with LogsDeleted.
	LogsGone time.Time `json:"logs_gone,omitzero"`
}

const (
	// LogsDeleted means that the store of logs has been told to delete it, which it has
	// done by LogsGone.
	LogsDeleted = "deleted"
	// LogsExpire means that it could not be told, and the log ends with its retention.
	LogsExpire = "expire"
)

// Dependencies are where the packages of a release come from.
type Dependencies struct {
	// Files are what it is made of, the first of them the one that was chosen; Unread
	// are files that would have been read without it.
	Files  []string `json:"files"`
	Unread []string `json:"unread"`
	// Provided is what the platform adds.
	Provided []string `json:"provided"`
	// Packages are the exact ones of a lock file that the platform reads itself.
	Packages []string `json:"packages"`
	// Git are the repositories that packages come from.
	Git []GitSource `json:"git"`
}

// GitSource is a repository that a package was built from, and at which commit.
type GitSource struct {
	// Name is the package's, or empty where only the repository says it.
	Name string `json:"name,omitempty"`
	URL  string `json:"url"`
	// Ref is the branch, tag or commit that was asked for; empty for the default
	// branch.
	Ref string `json:"ref,omitempty"`
	// Commit is empty as long as nothing was built.
	Commit string `json:"commit,omitempty"`
}

// SourcesHeader tells with a layer from which commits its packages were built: an
// array of GitSource.
const SourcesHeader = "Fngen-Sources"

// CreateProject is the body of POST /v1/projects.
type CreateProject struct {
	Name string `json:"name"`
}
