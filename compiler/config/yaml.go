package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"

	"fngen.dev/fngen/compiler/config/document"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/literal"
)

// maxYAML is far beyond any real file and keeps a hostile one cheap.
const maxYAML = 64 << 10

// reader walks the nodes of one file and collects what is wrong with them.
type reader struct {
	file  string
	lines []string
	diags diag.List
}

// root parses the one document of a file into its top node; nil when the file is
// empty or too broken to go on.
func (r *reader) root(data []byte) *yaml.Node {
	if len(data) > maxYAML {
		r.fault("FN1103", literal.Place{}, fmt.Sprintf("the file is larger than %d KiB", maxYAML>>10), "keep data in a file of its own")
		return nil
	}
	if i := document.Invalid(data); i >= 0 {
		line := bytes.Count(data[:i], []byte("\n")) + 1
		r.fault("FN1103", literal.Place{Line: line, Column: i - bytes.LastIndexByte(data[:i], '\n')}, "the file is not UTF-8 text", "save it as UTF-8")
		return nil
	}
	r.lines = strings.Split(string(data), "\n")
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		r.broken(err)
		return nil
	}
	if err := dec.Decode(&second); err == nil {
		r.fault("FN1103", r.place(&second), "the file holds a second document", "keep one document; remove the line ---")
	} else if !errors.Is(err, io.EOF) {
		r.broken(err)
		return nil
	}
	if len(doc.Content) == 0 {
		return nil
	}
	top := doc.Content[0]
	if top.Kind == yaml.ScalarNode && top.Tag == "!!null" {
		return nil
	}
	if !r.plain(top) {
		return nil
	}
	return top
}

func (r *reader) broken(err error) {
	place, msg := literal.Place{}, err.Error()
	var le *yaml.LoadError
	if errors.As(err, &le) {
		place = r.at(le.Mark.Line, le.Mark.Column)
		msg = le.Message
		if le.ContextMsg != "" {
			msg = le.ContextMsg + ": " + msg
		}
	}
	r.fault("FN1103", place, "the file is not YAML: "+msg, "correct the syntax; lists and maps are indented with spaces")
}

// plain refuses the parts of YAML that have no use here and that let a small file
// mean something very large or very strange.
func (r *reader) plain(n *yaml.Node) bool {
	ok := true
	refuse := func(what, help string) {
		r.fault("FN1104", r.place(n), what+" not taken here", help)
		ok = false
	}
	switch {
	case n.Kind == yaml.AliasNode:
		refuse("an alias is", "write the value out")
		return false
	case n.Anchor != "":
		refuse("an anchor is", "remove &"+n.Anchor)
	case n.Tag == "!!merge":
		refuse("a merge key is", "write the keys out")
	case n.Style&yaml.TaggedStyle != 0:
		refuse("a tag is", "remove "+n.Tag)
	}
	for _, c := range n.Content {
		ok = r.plain(c) && ok
	}
	return ok
}

func (r *reader) fault(code string, at literal.Place, msg, help string, notes ...diag.Note) {
	r.diags.Add(diag.Diagnostic{Code: code, Message: msg, File: r.file, Line: at.Line, Column: at.Column, Width: at.Width, Notes: notes, Help: help})
}

func (r *reader) place(n *yaml.Node) literal.Place {
	p := r.at(n.Line, n.Column)
	if n.Kind == yaml.ScalarNode && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		p.Width = len(n.Value)
		if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
			p.Width += 2
		}
	}
	return p
}

// at makes a place of a line and a column that counts characters.
func (r *reader) at(line, column int) literal.Place {
	p := literal.Place{File: r.file, Line: line, Column: column, Width: 1}
	if line < 1 || line > len(r.lines) {
		return p
	}
	n := 1
	for i := range r.lines[line-1] {
		if n == column {
			p.Column = i + 1
			break
		}
		n++
	}
	return p
}

// pair is one key of a map with its value.
type pair struct {
	key   string
	at    literal.Place
	value *yaml.Node
}

// mapping reads a map and reports keys that stand twice.
func (r *reader) mapping(n *yaml.Node, what string) []pair {
	if n.Kind != yaml.MappingNode {
		r.fault("FN1106", r.place(n), fmt.Sprintf("%s must be a map of keys and values, not %s", what, describe(n)), "write `key: value` lines")
		return nil
	}
	var out []pair
	first := map[string]literal.Place{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		at := r.place(k)
		if k.Kind != yaml.ScalarNode {
			r.fault("FN1106", at, "a key must be a plain word", "write `key: value` lines")
			continue
		}
		if before, again := first[k.Value]; again {
			r.fault("FN1107", at, fmt.Sprintf("the key %q stands twice", k.Value), "keep one of them",
				diag.Note{Message: "the first one", File: r.file, Line: before.Line, Column: before.Column})
			continue
		}
		first[k.Value] = at
		out = append(out, pair{key: k.Value, at: at, value: v})
	}
	return out
}

// unknown reports a key that means nothing.
func (r *reader) unknown(p pair, where string, known []string) {
	help := "the keys here are " + strings.Join(known, ", ")
	if near := diag.Nearest(p.key, known); near != "" {
		help = "did you mean `" + near + "`?"
	}
	r.fault("FN1105", p.at, fmt.Sprintf("unknown key %q%s", p.key, where), help)
}

// text reads a string; anything else must be put in quotes to be one, since YAML
// reads 3.10 as 3.1 and 007 as 7.
func (r *reader) text(n *yaml.Node, key string) (document.Text, bool) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.fault("FN1106", r.place(n), fmt.Sprintf("%q must be text, not %s", key, describe(n)), fmt.Sprintf("write `%s: \"...\"`", key))
		return document.Text{}, false
	}
	if n.Tag != "!!str" {
		r.fault("FN1106", r.place(n), fmt.Sprintf("%q must be text, and YAML reads %s as %s", key, n.Value, describe(n)),
			fmt.Sprintf("quote it: `%s: %q`", key, n.Value))
		return document.Text{}, false
	}
	return document.Text{Value: n.Value, Place: r.place(n)}, true
}

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!null":
		return "empty"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!timestamp":
		return "a date"
	case "!!str":
		return "text"
	}
	return "a value of another type"
}
