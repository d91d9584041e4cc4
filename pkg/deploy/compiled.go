package deploy

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

// compiled is what a tree compiles to. Compiling is a function of the rest of it,
// so that a push of the same need not do it again.
type compiled struct {
	req    api.PushRequest // without its plan and rebuild
	target compiler.Target

	ir       *ir.Project
	warnings diag.List
	layer    string
}

// compilations keeps the last result of each project, for as long as the process
// lives: another version of fngend may compile to something else.
type compilations struct {
	mu sync.Mutex
	m  map[int64]compiled
}

func (c *compilations) find(project int64, req api.PushRequest, target compiler.Target) (compiled, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	req.Plan, req.Rebuild = "", false
	last, ok := c.m[project]
	return last, ok && last.req == req && reflect.DeepEqual(last.target, target)
}

func (c *compilations) keep(project int64, last compiled) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last.req.Plan, last.req.Rebuild = "", false
	if c.m == nil || len(c.m) >= maxCompiled {
		c.m = map[int64]compiled{} // each comes back with the next push of its project
	}
	c.m[project] = last
}
