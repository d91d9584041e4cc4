package jobs

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"

	"fngen.dev/fngen/compiler/catalog"
	"fngen.dev/fngen/compiler/ir"
)

var (
	// label is one part of a host name.
	label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	// region is a datacenter that the operator has named; Nomad takes "*" as a
	// pattern.
	region = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`)
)

// leastMB is the least memory that Nomad lets a task reserve.
const leastMB = 10

// maxText is far below what one argument of a program may be.
const maxText = 4 << 10

// check refuses text that something below would read as code, or that would not
// arrive as it is.
func check(values ...string) error {
	for _, v := range values {
		if len(v) > maxText {
			return fmt.Errorf("%.40q... is longer than %d bytes", v, maxText)
		}
		if hazard := ir.Hazard(v); hazard != "" {
			return fmt.Errorf("%q holds %s", v, hazard)
		}
	}
	return nil
}

// maxTreeGB is more than a tree can have.
const maxTreeGB = 10

// checkProject holds what of a project reaches a job to what it must look like.
// The compiler has said the same to the person, with a place.
func checkProject(p *ir.Project) error {
	if !ir.ValidProjectName(p.Name) {
		return invalid("project", p.Name)
	}
	if !ir.ValidPython(p.Python) {
		return invalid("python", p.Python)
	}
	if len(p.Servers) == 0 {
		return errors.New("it has no servers")
	}
	if p.TreeGB < 0 || p.TreeGB > maxTreeGB {
		return fmt.Errorf("a tree of %d GB", p.TreeGB)
	}
	groups, ids := map[string]bool{}, map[string]bool{}
	for _, s := range p.Servers {
		if err := checkServer(s, len(p.Functions)); err != nil {
			return err
		}
		if groups[s.Name] {
			return fmt.Errorf("two servers are named %q", s.Name)
		}
		groups[s.Name] = true
	}
	for _, f := range p.Functions {
		if err := checkFunction(f); err != nil {
			return err
		}
		if ids[ID(f)] {
			return fmt.Errorf("two functions are named %q", f.Name)
		}
		ids[ID(f)] = true
	}
	return nil
}

func checkServer(s ir.Server, functions int) error {
	if !ir.ValidServerName(s.Name) {
		return invalid("server", s.Name)
	}
	if !region.MatchString(s.Region) {
		return invalid("region", s.Region)
	}
	if s.Count < 1 || s.Count > ir.MaxCount {
		return fmt.Errorf("server %q has a count of %d", s.Name, s.Count)
	}
	size, err := lookupSize(s)
	if err != nil {
		return err
	}
	if *share(size, functions).MemoryMB < leastMB {
		return fmt.Errorf("%d functions are too many for server %q of size %s", functions, s.Name, s.Size)
	}
	return nil
}

func checkFunction(f ir.Function) error {
	if !ir.ValidFunctionName(f.Name) {
		return invalid("function", f.Name)
	}
	if !fs.ValidPath(f.File) || len(f.File) > ir.MaxFilePath {
		return invalid("file", f.File)
	}
	if err := check(f.File); err != nil {
		return fmt.Errorf("file of function %q: %w", f.Name, err)
	}
	switch {
	case f.Power == ir.PowerWebApp && f.WebApp != nil:
		return checkWebApp(f.WebApp)
	case f.Power == ir.PowerTaskWorker && f.TaskWorker != nil:
		return nil // numbers
	}
	return fmt.Errorf("function %q has no options of its power %q", f.Name, f.Power)
}

func checkWebApp(w *ir.WebApp) error {
	if _, known := catalog.LookupFramework(w.Framework); !known && w.Framework != "" {
		return invalid("framework", w.Framework)
	}
	if !ir.ValidHealth(w.HealthPath()) {
		return invalid("health path", w.Health)
	}
	if len(w.Hosts) == 0 {
		return invalid("list of hosts", "")
	}
	for _, host := range w.Hosts {
		if !label.MatchString(host) {
			return invalid("host", host)
		}
	}
	if w.Release != "" && ir.ReleaseFault(w.Release) != "" {
		return invalid("release command", w.Release)
	}
	if w.Processes < 0 || w.Threads < 0 {
		return fmt.Errorf("%d processes of %d threads are no numbers of them", w.Processes, w.Threads)
	}
	if w.MaxBodyMB < 0 || w.MaxHeaderKB < 0 || w.KeepAlive < 0 {
		return fmt.Errorf("a body of %d MB, a head of %d KB and %d s of idle connections are no limits", w.MaxBodyMB, w.MaxHeaderKB, w.KeepAlive)
	}
	if w.Static != "" && !ir.ValidModule(w.Static) {
		return invalid("module of settings", w.Static)
	}
	return nil
}

func invalid(what, value string) error { return fmt.Errorf("%q is not a valid %s", value, what) }
