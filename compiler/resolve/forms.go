package resolve

import (
	"fngen.dev/fngen/compiler/catalog"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/literal"
)

// Form is what the value of an option looks like, for the schema by which editors
// check fngen.yml. The checks of the Powers themselves go further.
type Form struct {
	Kinds []literal.Kind
	// Enum are all the values that a text can have; empty is any.
	Enum []string
	// Pattern and Not are regular expressions that a text matches, and does not.
	Pattern, Not string
	// Bounds are those of a number; nil is none.
	Bounds *[2]int
	// Default is what holds when the option is left out, as JSON; "" is none.
	Default string
}

// Forms are the options that fngen.yml can set, by Power and name. A test holds
// that they are all the options that there are.
func Forms() map[string]map[string]Form {
	text, whole := []literal.Kind{literal.Str}, []literal.Kind{literal.Int}
	compute := Form{Kinds: text, Enum: []string{"server"}, Default: `"server"`}
	return map[string]map[string]Form{
		"webapp": {
			"framework": {Kinds: text, Enum: catalog.Frameworks()},
			"compute":   compute,
			"health":    {Kinds: []literal.Kind{literal.Str, literal.None}, Pattern: ir.HealthForm, Not: `//|/\.{1,2}(/|$)`},
			// Which letters of the world's scripts a host name has, no pattern says.
			"domain":       {Kinds: []literal.Kind{literal.Str, literal.None}, Pattern: `^[^\s/:]+\.[^\s/:]+$`},
			"processes":    {Kinds: []literal.Kind{literal.Str, literal.Int}, Pattern: "^auto$", Bounds: &[2]int{1, maxProcesses}, Default: `"auto"`},
			"threads":      {Kinds: []literal.Kind{literal.Int, literal.None}, Bounds: &[2]int{1, maxThreads}},
			maxBody.name:   maxBody.form(),
			maxHeader.name: maxHeader.form(),
			keepAlive.name: keepAlive.form(),
			// Bytes and composed letters are beyond a pattern too.
			"release": {Kinds: []literal.Kind{literal.Str, literal.None}, Pattern: `\S`, Not: "\\$\\{|%\\{|\\{\\{|`|[\\x00-\\x1f\\x7f-\\x9f]"},
		},
		"task_worker": {
			"compute":     compute,
			"concurrency": {Kinds: whole, Bounds: &[2]int{1, maxConcurrency}, Default: "1"},
			"timeout": {Kinds: []literal.Kind{literal.Str, literal.Int}, Pattern: `^([0-9]{1,9}[smh])+$`,
				Bounds: &[2]int{int(minTimeout), int(maxTimeout)}, Default: `"15m"`},
			"retries": {Kinds: whole, Bounds: &[2]int{0, maxRetries}, Default: "5"},
		},
	}
}
