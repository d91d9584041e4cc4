// Package compiled remembers what the last push of each project was compiled to.
package compiled

import (
	"reflect"
	"sync"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/api"
)

// maxCompiled bounds how many projects' last results are kept.
const maxCompiled = 256

// Result is what a tree compiles to. Compiling is a function of the rest of it,
// so that a push of the same need not do it again.
type Result struct {
	Req    api.PushRequest // without its plan and rebuild
	Target compiler.Target

	IR       *ir.Project
	Warnings diag.List
	// Layer is the key of the virtual environment.
	Layer string
}

// Results keeps the last result of each project, for as long as the process
// lives: another version of fngend may compile to something else.
type Results struct {
	mu sync.Mutex
	m  map[int64]Result
}

// Find is what was kept of a project, if it is of the same request and target.
func (c *Results) Find(project int64, req api.PushRequest, target compiler.Target) (Result, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	req.Plan, req.Rebuild = "", false
	last, ok := c.m[project]
	return last, ok && last.Req == req && reflect.DeepEqual(last.Target, target)
}

// Keep takes the place of what was kept of a project.
func (c *Results) Keep(project int64, last Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last.Req.Plan, last.Req.Rebuild = "", false
	if c.m == nil || len(c.m) >= maxCompiled {
		c.m = map[int64]Result{} // each comes back with the next push of its project
	}
	c.m[project] = last
}
