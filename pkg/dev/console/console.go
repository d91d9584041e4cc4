// Package console is what a person sees of fngen dev, and types: one terminal for the
// output of all functions, what became of tasks, what is wrong with the code; or the same
// as JSON, one object a line, for a program.
package console

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/task"
	"fngen.dev/fngen/pkg/term"
)

// Console is safe for concurrent use.
type Console struct {
	io   *term.IO
	json bool

	mu sync.Mutex
	// url is where the first web app answers.
	url string
	// told is what is said once.
	told map[string]bool
	// colours are those of functions, in the order in which they came.
	colours map[string]term.Style
}

// New makes a console; with json its output is objects on the standard output.
func New(io *term.IO, json bool) *Console {
	return &Console{io: io, json: json, told: map[string]bool{}, colours: map[string]term.Style{}}
}

// differs is what is another than on the platform, in a sentence.
const differs = "Unlike the platform: one instance of each function, no TLS, no limits of memory, no release commands."

// Listening tells the address.
func (c *Console) Listening(address string) {
	_, port, _ := strings.Cut(address, ":")
	url := "http://localhost:" + port
	c.mu.Lock()
	defer c.mu.Unlock()
	c.url = url
	if c.json {
		c.event("listening", object{"url": url, "differs": differs})
		return
	}
	fmt.Fprintln(c.io.Out, url)
	c.print(differs + " Ctrl-C ends it.")
}

// Say says a line.
func (c *Console) Say(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	if c.json {
		c.event("message", object{"text": text})
		return
	}
	c.print(text)
}

// Diagnostics shows what is wrong with the code, unless it has been shown.
func (c *Console) Diagnostics(list diag.List) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	_ = diag.Render(&b, list, c.io.Colour)
	switch {
	case !c.once(b.String()):
	case c.json && len(list) > 0:
		c.event("diagnostics", object{"diagnostics": list})
	case !c.json:
		fmt.Fprint(c.io.Err, b.String())
	}
}

// Introduce says how each function is reached.
func (c *Console) Introduce(p *ir.Project) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range p.Functions {
		c.colour(f.Name)
		text, about := fmt.Sprintf("fngen run_task --dev %s PAYLOAD", f.Name), object{"function": f.Name, "power": f.Power}
		if f.WebApp != nil {
			text = "http://" + f.WebApp.Hosts[len(f.WebApp.Hosts)-1] + "." + strings.TrimPrefix(c.url, "http://")
			about["url"] = text
		}
		switch {
		case !c.once(f.Name + ": " + text):
		case c.json:
			c.event("function", about)
		default:
			c.print(f.Name + ": " + text)
		}
	}
}

// Ready says which functions run by new code.
func (c *Console) Ready(functions []string, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.json {
		c.event("ready", object{"functions": functions, "seconds": took.Seconds()})
		return
	}
	c.print(fmt.Sprintf("ready after %.2f s: %s", took.Seconds(), strings.Join(functions, ", ")))
}

// Line shows a line of a function's output.
func (c *Console) Line(function, line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.json {
		c.event("line", object{"function": function, "line": line})
		return
	}
	text := term.Escape(line)
	if style := levelOf(line); style != "" {
		text = c.io.Paint(style, text)
	}
	c.print(c.prefix(function) + text)
}

// Task tells what becomes of a task.
func (c *Console) Task(e task.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.json {
		c.event("task", object{"id": e.ID, "function": e.Function, "attempt": e.Attempt, "state": e.State, "error": e.Error})
		return
	}
	text, style := fmt.Sprintf("task %s %s", e.ID, e.State), term.Dim
	switch {
	case e.State == task.Succeeded:
		text += fmt.Sprintf(" after %.2f s", e.At.Sub(e.StartedAt).Seconds())
	case e.Error != nil:
		style = term.Red
		text += ": " + e.Error.Text()
		if e.State == task.Retrying {
			style = term.Yellow
			text += fmt.Sprintf("; attempt %d in %.0f s", e.Attempt+1, e.NextAt.Sub(e.At).Seconds())
		}
	}
	c.print(c.prefix(e.Function) + c.io.Paint(style, term.Escape(text)))
}

type object map[string]any

// event, print, once, prefix and colour are called with the lock held.
func (c *Console) event(kind string, o object) {
	o["event"] = kind
	enc := json.NewEncoder(c.io.Out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(o) // who reads it has gone
}

func (c *Console) print(text string) { fmt.Fprintln(c.io.Err, text) }

// once reports whether a text is new; code with faults that is saved again, and with
// other faults in between, is told again.
func (c *Console) once(text string) bool {
	known := c.told[text]
	c.told[text] = true
	return !known
}

func (c *Console) prefix(function string) string {
	return c.io.Paint(c.colour(function), function+" | ")
}

// palette are the colours of functions, none of which means a level.
var palette = []term.Style{"36", "34", "35", "32"}

func (c *Console) colour(function string) term.Style {
	if c.colours[function] == "" {
		c.colours[function] = palette[len(c.colours)%len(palette)]
	}
	return c.colours[function]
}

// levelOf is how a line is shown that says its level, as logging and most servers do.
func levelOf(line string) term.Style {
	head := line[:min(len(line), 80)]
	for _, word := range strings.FieldsFunc(head, func(r rune) bool { return !(r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') }) {
		switch word {
		case "ERROR", "CRITICAL", "FATAL":
			return term.Red
		case "WARNING", "WARN":
			return term.Yellow
		case "DEBUG":
			return term.Dim
		case "INFO":
			return ""
		}
	}
	return ""
}
