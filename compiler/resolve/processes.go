package resolve

import (
	"fmt"

	"fngen.dev/fngen/compiler/catalog"
	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/literal"
)

const (
	// maxProcesses is more than the largest server has processors for, many times.
	maxProcesses = 64
	// maxThreads is where threads of Python cost more than they bring.
	maxThreads = 256
	// auto leaves a number to the platform.
	auto = "auto"
)

// processes is how many processes serve a web app on each server; 0 is 'auto'.
func (r *resolver) processes(u discover.Use, g given) int {
	v, set := g["processes"]
	switch {
	case !set || v.Kind == literal.Bad || v.Kind == literal.Str && v.Str == auto:
		return 0
	case v.Kind != literal.Int || v.Int < 1 || v.Int > maxProcesses:
		r.fault("FN1363", v.Place, fmt.Sprintf("processes %s of @%s is neither 'auto' nor a number from 1 to %d", v, u.Power, maxProcesses),
			"leave it out: 'auto' is one process for each processor of the server")
		return 0
	}
	r.processesFit(v, u)
	return int(v.Int)
}

// processesFit refuses more processes than the memory of a server holds.
func (r *resolver) processesFit(v literal.Value, u discover.Use) {
	for _, s := range r.fleet {
		size, known := catalog.LookupSize(s.Size)
		if !known || v.Int <= int64(ir.MostProcesses(size.MemoryMB)) {
			continue
		}
		r.fault("FN1365", v.Place, fmt.Sprintf("%d processes of @%s do not fit into the %d MB of a server of size %s (%q), which holds %d",
			v.Int, u.Power, size.MemoryMB, s.Size, s.Name, ir.MostProcesses(size.MemoryMB)),
			"ask for fewer, or for a larger size")
		return
	}
}

// threads is how many requests of WSGI one process serves at a time; 0 is the
// platform's number.
func (r *resolver) threads(u discover.Use, g given) int {
	v, set := g["threads"]
	if !set || v.Kind == literal.Bad || v.Kind == literal.None {
		return 0
	}
	if v.Kind != literal.Int || v.Int < 1 || v.Int > maxThreads {
		r.fault("FN1364", v.Place, fmt.Sprintf("threads %s of @%s is not a number from 1 to %d", v, u.Power, maxThreads),
			"leave it out: a process of Flask or Django then serves 16 requests at a time")
		return 0
	}
	return int(v.Int)
}
