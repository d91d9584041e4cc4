package resolve

import (
	"fmt"

	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/literal"
)

// limit is an option of a web app that bounds what its server takes: a whole number,
// or nothing for what the platform has.
type limit struct {
	name        string
	least, most int
	// help says what holds without it.
	help string
}

var (
	// maxBody goes up to what the disk of the smallest server holds.
	maxBody = limit{"max_body_mb", 1, 10240, "leave it out: a body of any size is passed on as it comes"}
	// maxHeader is what cookies of browsers need at least, and what a server keeps of
	// each connection at most.
	maxHeader = limit{"max_header_kb", 8, 256, "leave it out: it is 64 then"}
	// keepAlive is longer than the 90 s for which the router keeps a connection: were it
	// the instance that closed one, the router's next request could be on its way.
	keepAlive = limit{"keep_alive", 100, 3600, "leave it out: it is 120 then; the router itself keeps a connection for 90 s"}
)

// limit is the value of such an option, 0 where nobody says.
func (r *resolver) limit(u discover.Use, g given, l limit) int {
	v, set := g[l.name]
	if !set || v.Kind == literal.Bad || v.Kind == literal.None {
		return 0
	}
	if v.Kind != literal.Int || v.Int < int64(l.least) || v.Int > int64(l.most) {
		r.fault("FN1366", v.Place, fmt.Sprintf("%s %s of @%s is not a number from %d to %d", l.name, v, u.Power, l.least, l.most), l.help)
		return 0
	}
	return int(v.Int)
}

// form is what the schema says of it.
func (l limit) form() Form {
	return Form{Kinds: []literal.Kind{literal.Int, literal.None}, Bounds: &[2]int{l.least, l.most}}
}
