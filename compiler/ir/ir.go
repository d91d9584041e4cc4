// Package ir is the resolved project: what the person's tree means, as plain,
// versioned data.
//
// It is what the compiler produces, what a release keeps, and all that
// jobs.Lower reads. It never holds a secret value, and nothing in it depends on
// the machine, the clock or the cluster.
package ir

import (
	"cmp"
	"strconv"
	"time"
)

// Version is the format of Project. A release stored by an older control plane
// says which format it has.
const Version = 1

// Project is everything that a push of one tree means.
type Project struct {
	Version int    `json:"version"`
	Name    string `json:"project"`
	// Python is the language version, such as "3.11".
	Python       string       `json:"python"`
	Dependencies Dependencies `json:"dependencies"`
	// Servers are in the order of fngen.yml.
	Servers []Server `json:"servers"`
	// Functions are sorted by file and line.
	Functions []Function `json:"functions"`
	// Env are the environment variables that the code reads by name, sorted.
	Env []EnvName `json:"env,omitempty"`
	// TreeGB is how many whole gigabytes a server fetches before the code starts.
	TreeGB int `json:"tree_gb,omitempty"`
}

// EnvName is one environment variable that the code reads; its value is never
// here.
type EnvName struct {
	Name string `json:"name"`
	// Required says that the code fails, at Places[0], where it is not set.
	Required bool `json:"required"`
	// Places are the first few, those that require it before the others.
	Places []EnvPlace `json:"places"`
}

// EnvPlace is where the code reads a variable. Column counts bytes from 1.
type EnvPlace struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Required bool   `json:"required"`
}

// Dependencies say what the virtual environment holds.
type Dependencies struct {
	// Files say what to install, the entry point first (requirements.txt, a lock
	// file, pyproject.toml), then every file that is read with it, in the order
	// met. Paths are relative to the root.
	Files []string `json:"files"`
	// Unread are files that would have said it if Files[0] were not there.
	Unread []string `json:"unread,omitempty"`
	// Packages are what a file says that the compiler turns into requirements, such
	// as "flask==3.1.3" of a poetry.lock, sorted, and Digest identifies them.
	Packages []string `json:"packages,omitempty"`
	Digest   string   `json:"digest,omitempty"`
	// Git are the requirements that come from repositories.
	Git []GitSource `json:"git,omitempty"`
	// Local identifies the files of the tree that are installed themselves, or that
	// packages are built from, with their contents; empty for none.
	Local string `json:"local_digest,omitempty"`
	// Hashed says that every package must match a hash of the requirement files.
	Hashed bool `json:"hashed,omitempty"`
	// Provided are requirements that the platform adds because the tree has no
	// requirement file, such as "fastapi==0.121.0".
	Provided []string `json:"provided"`
}

// GitSource is a repository that a package is built from, and the commit where it
// is known.
type GitSource struct {
	// Name is the package's, or empty where only the repository says it.
	Name string `json:"name,omitempty"`
	URL  string `json:"url"`
	// Ref is a branch, tag or commit; empty for the default branch.
	Ref    string `json:"ref,omitempty"`
	Commit string `json:"commit,omitempty"`
}

// Empty reports whether there is nothing to install.
func (d Dependencies) Empty() bool { return len(d.Files) == 0 && len(d.Provided) == 0 }

// MaxCount is how many machines one server definition may have.
const MaxCount = 100

// Server is one definition of the fleet: Count machines of one size in a region.
type Server struct {
	Name   string `json:"name"`
	Size   string `json:"size"`
	Region string `json:"region"`
	Count  int    `json:"count"`
}

// Power is what a decorator activates.
type Power string

const (
	// PowerWebApp serves an ASGI or WSGI application.
	PowerWebApp Power = "webapp"
	// PowerTaskWorker runs a function for each task that is sent to it.
	PowerTaskWorker Power = "task_worker"
)

// Function is a decorated function and its Power with every default filled in.
type Function struct {
	// Name is the Python identifier.
	Name  string `json:"name"`
	Power Power  `json:"power"`
	// File is relative to the root, with slashes; Line is that of the def.
	File string `json:"file"`
	Line int    `json:"line"`
	// Doc is the first line of the docstring.
	Doc        string      `json:"doc,omitempty"`
	Parameters []Parameter `json:"parameters"`
	// WebApp is set exactly when Power is PowerWebApp.
	WebApp *WebApp `json:"webapp,omitempty"`
	// TaskWorker is set exactly when Power is PowerTaskWorker.
	TaskWorker *TaskWorker `json:"task_worker,omitempty"`
}

// WebApp are the options of @webapp.
type WebApp struct {
	Framework string `json:"framework"`
	Compute   string `json:"compute"`
	// Health is the path that answers 2xx or 3xx when the app is well. It is empty
	// where the person named none: then the app is well when it answers RootPath with
	// anything below 500.
	Health string `json:"health,omitempty"`
	// Hosts are the labels under the platform's domain, the function's own last,
	// that route to this function: "shop" for shop.<domain>, "api--shop" for
	// api--shop.<domain>.
	Hosts []string `json:"hosts"`
	// Domain is the person's own domain in its ASCII form, or empty.
	Domain string `json:"domain,omitempty"`
	// Release is a shell command that each push runs once before the rollout, or
	// empty.
	Release string `json:"release,omitempty"`
	// Processes is how many of them serve on each server, or 0 for as many as the
	// server has processors and the memory allows.
	Processes int `json:"processes,omitempty"`
	// Threads is how many requests of WSGI one process serves at a time, or 0 where the
	// person does not say.
	Threads int `json:"threads,omitempty"`
	// MaxBodyMB is the largest body of a request, MaxHeaderKB the largest head, and
	// KeepAlive for how many seconds a connection may be idle; each is 0 where the person
	// does not say.
	MaxBodyMB   int `json:"max_body_mb,omitempty"`
	MaxHeaderKB int `json:"max_header_kb,omitempty"`
	KeepAlive   int `json:"keep_alive,omitempty"`
	// Static is the module of Django's settings by which the static files are
	// collected, or empty where none are.
	Static string `json:"static,omitempty"`
}

// processMB is what a process of a web app takes at least.
const processMB = 64

// MostProcesses is how many processes of a web app so much memory holds.
func MostProcesses(memoryMB int) int { return memoryMB / processMB }

// RootPath is asked of a web app that names no path for its health.
const RootPath = "/"

// HealthPath is what the health check asks for.
func (w *WebApp) HealthPath() string { return cmp.Or(w.Health, RootPath) }

// TaskWorker are the options of @task_worker.
type TaskWorker struct {
	Compute string `json:"compute"`
	// Concurrency is how many tasks one server runs at the same time.
	Concurrency int `json:"concurrency"`
	// Timeout is how long one attempt may take.
	Timeout Seconds `json:"timeout_seconds"`
	// Retries are the attempts after the first.
	Retries int `json:"retries"`
}

// Seconds is a length of time.
type Seconds int

// Duration is the same length as Go counts it.
func (s Seconds) Duration() time.Duration { return time.Duration(s) * time.Second }

// String writes the time as a person would in an option, in the largest unit
// that divides it: "15m", "90s", "2h".
func (s Seconds) String() string {
	switch {
	case s != 0 && s%3600 == 0:
		return strconv.Itoa(int(s/3600)) + "h"
	case s != 0 && s%60 == 0:
		return strconv.Itoa(int(s/60)) + "m"
	}
	return strconv.Itoa(int(s)) + "s"
}

// Parameter is one parameter of a decorated function, as written.
type Parameter struct {
	Name string `json:"name"`
	// Kind is one of positional_only, positional_or_keyword, var_positional,
	// keyword_only, var_keyword.
	Kind string `json:"kind"`
	// Annotation and Default are source text; nil when there is none.
	Annotation *string `json:"annotation"`
	Default    *string `json:"default"`
}
