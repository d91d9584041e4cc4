package resolve

import "fngen.dev/fngen/compiler/literal"

// Form is what the value of an option looks like, for the schema by which editors
// check fngen.yml. The checks of the Powers themselves go further.
type Form struct {
	Kinds []literal.Kind
	// Enum are all the values that a text can have; empty is any.
	Enum []string
	// Pattern and Not are regular expressions that a text matches, and does not.
	Pattern, Not string
	MaxLength    int
	// Default is what holds when the option is left out, as in Python; "" is none.
	Default string
}

// Forms are the options that fngen.yml can set, by Power and name. A test holds
// that they are all the options that there are.
func Forms() map[string]map[string]Form {
	text := []literal.Kind{literal.Str}
	return map[string]map[string]Form{
		"webapp": {
			"framework": {Kinds: text, Enum: frameworks},
			"compute":   {Kinds: text, Enum: []string{"server"}, Default: "server"},
			"health":    {Kinds: text, Pattern: healthPath.String(), Not: `//|/\.{1,2}(/|$)`, MaxLength: 200, Default: "/"},
			"domain": {Kinds: []literal.Kind{literal.Str, literal.None}, MaxLength: 253,
				Pattern: `^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`},
		},
	}
}
