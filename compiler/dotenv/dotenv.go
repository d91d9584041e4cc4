// Package dotenv reads .env files, and says which variables a project can have.
//
// The grammar is that of python-dotenv, which is what people's programs read the same
// file with on their own machine: a file is read with the same result, or refused. It
// is refused where python-dotenv skips a line with a warning, leaves a name without a
// value, takes the last of two, puts other variables into a value, or has changed its
// mind between its versions. testdata/oracle.json holds what two of them make of many
// files.
//
// No diagnostic holds a value, or a line.
package dotenv

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"fngen.dev/fngen/compiler/diag"
)

// MaxBytes is how large a file may be: all values that a project can have, with comments.
const MaxBytes = 4 << 20

// Entry is a variable, and the line on which it begins.
type Entry struct {
	Name, Value string
	Line        int
}

// Parse reads a file of that name. Either there are entries, or the list says what is
// wrong.
func Parse(file string, data []byte) ([]Entry, diag.List) {
	p := &parser{file: file}
	if len(data) > MaxBytes {
		p.fault("FN3001", 0, 0, fmt.Sprintf("%q has more than %d MiB", file, MaxBytes>>20), "is it the right file?")
		return nil, p.faults
	}
	if at := unreadable(data); at >= 0 {
		p.fault("FN3001", 1+bytes.Count(data[:at], []byte("\n")), 0, fmt.Sprintf("%q is not text in UTF-8", file), "save it as UTF-8")
		return nil, p.faults
	}
	// Python reads all line ends as one.
	p.src = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(string(data), "\ufeff"))
	for p.pos < len(p.src) {
		p.binding()
	}
	p.twice()
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return p.entries, nil
}

// unreadable is the place of what is no text, or -1.
func unreadable(data []byte) int {
	if at := bytes.IndexByte(data, 0); at >= 0 {
		return at
	}
	for at := 0; at < len(data); {
		r, n := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && n == 1 {
			return at
		}
		at += n
	}
	return -1
}

type parser struct {
	file    string
	src     string
	pos     int
	line    int // lines before lineAt
	lineAt  int
	entries []Entry
	faults  diag.List
}

// lineOf is the line of a place, asked for in order.
func (p *parser) lineOf(pos int) int {
	p.line += strings.Count(p.src[p.lineAt:pos], "\n")
	p.lineAt = pos
	return p.line + 1
}

func (p *parser) fault(code string, line, column int, message, help string) {
	p.faults.Add(diag.Diagnostic{Code: code, Severity: diag.Error, File: p.file, Line: line, Column: column, Message: message, Help: help})
}

// binding reads up to the end of the next variable, comment or fault.
func (p *parser) binding() {
	p.skip(isSpace)
	if p.pos == len(p.src) {
		return
	}
	begin := p.pos
	line := p.lineOf(begin)
	if rest, ok := strings.CutPrefix(p.src[p.pos:], "export"); ok && rest != "" {
		if r, _ := utf8.DecodeRuneInString(rest); isBlank(r) {
			p.pos += len("export")
			p.skip(isBlank)
		}
	}
	if p.at('#') {
		p.toLineEnd()
		return
	}
	name, ok := p.name()
	p.skip(isBlank)
	switch {
	case !ok || p.pos == begin:
		p.broken("FN3002", line, "this is not a line of the form NAME=value", "write NAME=value, or # before a remark")
		return
	case !p.at('='):
		p.broken("FN3002", line, fmt.Sprintf("%.60q has no = after it", name), "write NAME=value; NAME= for an empty one")
		return
	}
	p.pos++
	after := p.pos
	p.skip(isBlank)
	if after != p.pos && p.at('#') {
		p.broken("FN3002", line, fmt.Sprintf("what follows %.60q= is a remark to some versions of python-dotenv, and the value to others", name), "put the remark on a line of its own, or the value into quotes")
		return
	}
	value, ok := p.value()
	if !ok {
		p.pos = begin
		p.broken("FN3003", line, fmt.Sprintf("the quote that the value of %.60q begins with does not end, or not for certain", name), "close it; a value that ends with a backslash is best put into the other kind of quotes, or none")
		return
	}
	p.skip(isBlank)
	if p.at('#') {
		p.toLineEnd()
	}
	if p.pos < len(p.src) && p.src[p.pos] != '\n' {
		p.broken("FN3003", line, fmt.Sprintf("something follows the closing quote of the value of %.60q", name), `in quotes write \" or \' for a quote that belongs to the value`)
		return
	}
	p.add(Entry{name, value, line})
}

// broken reports what is wrong with the line, and goes on with the next one.
func (p *parser) broken(code string, line int, message, help string) {
	p.fault(code, line, 1, message, help)
	p.toLineEnd()
}

// reference is what python-dotenv replaces in a value, in quotes of any kind too.
var reference = regexp.MustCompile(`\$\{[^}:]*(?::-[^}]*)?\}`)

func (p *parser) add(e Entry) {
	p.entries = append(p.entries, e)
	if d := Check(e.Name, e.Value); d != nil {
		d.File, d.Line, d.Column = p.file, e.Line, 1
		p.faults.Add(*d)
		return
	}
	if reference.MatchString(e.Value) {
		p.fault("FN3007", e.Line, 1, fmt.Sprintf("the value of %q has a ${...}, in whose place programs that read this file put another variable", e.Name),
			"write the value out; if it is meant as it stands, set it alone: fngen set_env PROJECT "+e.Name+" --from-stdin")
	}
}

// twice reports names that stand more than once.
func (p *parser) twice() {
	first := map[string]int{}
	for _, e := range p.entries {
		if before, ok := first[e.Name]; ok {
			p.faults.Add(diag.Diagnostic{
				Code: "FN3004", Severity: diag.Error, File: p.file, Line: e.Line, Column: 1, Message: fmt.Sprintf("%q stands twice", e.Name),
				Notes: []diag.Note{{Message: "it is here first", File: p.file, Line: before, Column: 1}}, Help: "keep one",
			})
			continue
		}
		first[e.Name] = e.Line
	}
	p.faults = p.faults.Sorted()
}

// name reads a name, in single quotes or none.
func (p *parser) name() (string, bool) {
	rest := p.src[p.pos:]
	if strings.HasPrefix(rest, "'") {
		end := strings.IndexByte(rest[1:], '\'')
		if end < 1 {
			return "", false
		}
		p.pos += end + 2
		return rest[1 : end+1], true
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r == '=' || r == '#' || isSpace(r) })
	if end < 0 {
		end = len(rest)
	}
	p.pos += end
	return rest[:end], end > 0
}

func (p *parser) at(c byte) bool { return p.pos < len(p.src) && p.src[p.pos] == c }

func (p *parser) skip(what func(rune) bool) {
	rest := p.src[p.pos:]
	p.pos += len(rest) - len(strings.TrimLeftFunc(rest, what))
}

func (p *parser) toLineEnd() {
	if at := strings.IndexByte(p.src[p.pos:], '\n'); at >= 0 {
		p.pos += at
		return
	}
	p.pos = len(p.src)
}

// isSpace is Python's idea of white space, and isBlank that which ends no line here.
func isSpace(r rune) bool {
	switch {
	case r >= '\t' && r <= '\r', r >= 0x1c && r <= ' ', r == 0x85, r == 0xa0, r == 0x1680, r >= 0x2000 && r <= 0x200a,
		r == 0x2028, r == 0x2029, r == 0x202f, r == 0x205f, r == 0x3000:
		return true
	}
	return false
}

func isBlank(r rune) bool { return r != '\n' && r != '\r' && isSpace(r) }
