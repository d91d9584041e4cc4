package source

import (
	"fmt"
	"strings"

	"fngen.dev/fngen/compiler/diag"
)

// largeFile is from where on a file that ships is worth a word, unless .fninclude
// names it. People know the bound from the places where they keep their code.
const largeFile = 50 << 20

// warn looks at the files that ship. Files with the same reason share a warning:
// ten of them say no more than one.
func (c *collector) warn() {
	var large []*item
	secrets := map[string]map[rule][]*item{}
	var order []secretGroup
	for _, it := range c.files {
		if it.stat.Size > largeFile && !it.wanted() {
			large = append(large, it)
		}
		if !it.secret {
			continue
		}
		g := secretGroup{code: secretCode(it), rule: it.rule}
		if secrets[g.code] == nil {
			secrets[g.code] = map[rule][]*item{}
		}
		if secrets[g.code][g.rule] == nil {
			order = append(order, g)
		}
		secrets[g.code][g.rule] = append(secrets[g.code][g.rule], it)
	}
	for _, g := range order {
		c.warnSecret(g, secrets[g.code][g.rule])
	}
	if len(large) > 0 {
		c.warnLarge(large)
	}
}

// wanted reports whether a line of .fninclude brings the file in: somebody asked
// for it.
func (it *item) wanted() bool { return it.why == byRule && !it.rule.negated() }

// secretGroup is why a file that looks like a secret ships.
type secretGroup struct {
	code string
	rule rule
}

func secretCode(it *item) string {
	switch {
	case it.why == byTracked:
		return "FN1012"
	case it.why == byRule && it.rule.negated():
		return "FN1013"
	case it.why == byRule:
		return "FN1010"
	}
	return "FN1011"
}

func (c *collector) warnSecret(g secretGroup, files []*item) {
	const safe = "hand secrets over with `fngen set_env`"
	name, looks, it := c.first(files), "looks like a secret and ships", "it"
	if len(files) > 1 {
		looks, it = "look like secrets and ship", "them"
	}
	d := diag.Diagnostic{Code: g.code, Severity: diag.Warning, File: printable(c.w.shown(files[0].path)), Notes: c.others(files)}
	switch g.code {
	case "FN1010":
		d.Message = fmt.Sprintf("%s %s only because of this rule", name, looks)
		d.Help = "take " + it + " out of .fninclude; " + safe
	case "FN1011":
		d.Message = fmt.Sprintf("%s %s: no rule leaves %s out", name, looks, it)
		d.Help = "list " + it + " in .gitignore or .fnignore; " + safe
	case "FN1012":
		d.Message = fmt.Sprintf("%s %s: git tracks %s, whatever %s:%d says", name, looks, it, g.rule.layer.source, g.rule.pattern.Line)
		d.Help = "take " + it + " out of git with `git rm --cached`, or list " + it + " in .fnignore; " + safe
	case "FN1013":
		d.Message = fmt.Sprintf("%s %s because this rule takes %s back in", name, looks, it)
		d.Help = "remove the rule, or list " + it + " in .fnignore; " + safe
	}
	if g.code == "FN1010" || g.code == "FN1013" {
		d.File, d.Line, d.Column = g.rule.layer.source, g.rule.pattern.Line, 1
		d.Excerpt, d.Width = g.rule.pattern.Text, len(g.rule.pattern.Text)
	}
	c.diags.Add(d)
}

func (c *collector) warnLarge(files []*item) {
	has, it := "has", "it"
	if len(files) > 1 {
		has, it = "each have", "them"
	}
	c.diags.Add(diag.Diagnostic{
		Code: "FN1014", Severity: diag.Warning, File: printable(c.w.shown(files[0].path)),
		Message: fmt.Sprintf("%s %s more than %d MiB: every server fetches such a file, and each change sends all of it", c.first(files), has, largeFile>>20),
		Help:    "list " + it + " in .fnignore and load " + it + " from elsewhere when the code runs, or name " + it + " in .fninclude when that is meant",
		Notes:   c.others(files),
	})
}

func (c *collector) warnMissing(n *node) {
	p := strings.TrimSuffix(c.w.shown(n.prefix), "/")
	c.diags.Add(diag.Diagnostic{
		Code: "FN1015", Severity: diag.Warning, File: printable(p),
		Message: fmt.Sprintf("%q is a submodule that is not checked out: none of its files ship", p),
		Help:    fmt.Sprintf("run `git submodule update --init`, or list %s/ in .fnignore", printable(p)),
	})
}

// first names the files of a warning.
func (c *collector) first(files []*item) string {
	name := fmt.Sprintf("%q", c.w.shown(files[0].path))
	if more := len(files) - 1; more > 0 {
		name += fmt.Sprintf(" and %d more", more)
	}
	return name
}

// maxOthers of the files of a warning are named.
const maxOthers = 10

func (c *collector) others(files []*item) []diag.Note {
	var notes []diag.Note
	for i, it := range files[1:] {
		if i == maxOthers {
			notes = append(notes, diag.Note{Message: fmt.Sprintf("and %d more; `fngen files` lists all that ship", len(files)-1-i)})
			break
		}
		notes = append(notes, diag.Note{File: printable(c.w.shown(it.path)), Message: "ships too"})
	}
	return notes
}
