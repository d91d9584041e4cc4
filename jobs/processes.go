package jobs

import (
	"strconv"

	"fngen.dev/fngen/compiler/catalog"
	"fngen.dev/fngen/compiler/ir"
)

// Processes is how many processes serve a web app on a server. Where the person does
// not say, it is one for each processor, as long as what the function has reserved of
// the memory holds them.
func Processes(p *ir.Project, f ir.Function, s ir.Server) int {
	if f.WebApp.Processes > 0 {
		return f.WebApp.Processes
	}
	size, _ := catalog.LookupSize(s.Size) // whoever makes a group has looked it up before
	return max(1, min(size.VCPU, ir.MostProcesses(*share(size, len(p.Functions)).MemoryMB)))
}

// orDefault is n as the value of a flag, which is left out where it is what holds
// without it.
func orDefault(n, byDefault int) string {
	if n == byDefault {
		return ""
	}
	return strconv.Itoa(n)
}
