package jobs

import (
	"fmt"
	"io/fs"
	"regexp"

	"fngen.dev/fngen/compiler/ir"
)

var (
	// label is one part of a host name.
	label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	// region is a datacenter that the operator has named; Nomad takes "*" as a
	// pattern.
	region = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`)
)

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

// checkProject holds the strings of a project that reach a job to what they must
// look like. The compiler has said the same to the person, with a place.
func checkProject(p *ir.Project) error {
	if !ir.ValidProjectName(p.Name) {
		return invalid("project", p.Name)
	}
	if !ir.ValidPython(p.Python) {
		return invalid("python", p.Python)
	}
	for _, s := range p.Servers {
		if !ir.ValidServerName(s.Name) {
			return invalid("server", s.Name)
		}
		if !region.MatchString(s.Region) {
			return invalid("region", s.Region)
		}
	}
	for _, f := range p.Functions {
		if err := checkFunction(f); err != nil {
			return err
		}
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
	if !ir.ValidHealth(w.Health) {
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
	return nil
}

func invalid(what, value string) error { return fmt.Errorf("%q is not a valid %s", value, what) }
