package console

import (
	"fmt"
	"strings"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/term"
)

// Unset warns of the variables that the code reads by name and nobody gives, each once:
// given are "NAME=value".
func (c *Console) Unset(p *ir.Project, given []string) {
	has := map[string]bool{}
	for _, entry := range given {
		name, _, _ := strings.Cut(entry, "=")
		has[name] = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var optional []string
	for _, n := range p.Env {
		if has[n.Name] || len(n.Places) == 0 || !c.once("unset "+n.Name) {
			continue
		}
		place := fmt.Sprintf("%s:%d", n.Places[0].File, n.Places[0].Line)
		switch {
		case c.json:
			c.event("unset", object{"name": n.Name, "required": n.Required, "file": n.Places[0].File, "line": n.Places[0].Line})
		case n.Required:
			c.warn(fmt.Sprintf("%s is not set, and the code needs it: %s", term.Escape(n.Name), term.Escape(place)))
		default:
			optional = append(optional, fmt.Sprintf("%s (%s)", term.Escape(n.Name), term.Escape(place)))
		}
	}
	if len(optional) > 0 {
		c.warn("not set, and read by the code: " + strings.Join(optional, ", "))
	}
}

func (c *Console) warn(text string) { c.print(c.io.Paint(term.Yellow, "warning:") + " " + text) }
