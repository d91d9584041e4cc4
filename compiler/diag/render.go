package diag

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The colours of a terminal: error, warning, the caret, and headings.
const (
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	cyan   = "\x1b[36m"
	bold   = "\x1b[1m"
	reset  = "\x1b[0m"
)

// Render writes the list for a person to read:
//
//	app.py:12:1: error[FN1203]: unterminated string literal
//	    name = 'shop
//	           ^
//	  note: other.py:3:1: ...
//	  help: end the string with the quote that it starts with
//
// Nothing that a file holds reaches the terminal as a control sequence.
func Render(w io.Writer, l List, colour bool) error {
	p := &printer{w: bufio.NewWriter(w), colour: colour}
	for _, d := range l {
		p.diagnostic(d)
	}
	if err := p.w.Flush(); err != nil {
		return fmt.Errorf("write diagnostics: %w", err)
	}
	return nil
}

type printer struct {
	w      *bufio.Writer
	colour bool
}

func (p *printer) paint(colour, text string) string {
	if !p.colour {
		return text
	}
	return colour + text + reset
}

func (p *printer) diagnostic(d Diagnostic) {
	tone := red
	if d.Severity == Warning {
		tone = yellow
	}
	if at := position(d.File, d.Line, d.Column); at != "" {
		fmt.Fprintf(p.w, "%s: ", p.paint(bold, at))
	}
	fmt.Fprintf(p.w, "%s: %s\n", p.paint(tone, fmt.Sprintf("%s[%s]", d.Severity, d.Code)), clean(d.Message))
	if d.Excerpt != "" && d.Column > 0 {
		p.excerpt(d, tone)
	}
	for _, n := range d.Notes {
		at := position(n.File, n.Line, n.Column)
		if at != "" {
			at += ": "
		}
		fmt.Fprintf(p.w, "  %s %s%s\n", p.paint(cyan, "note:"), at, clean(n.Message))
	}
	if d.Help != "" {
		help := strings.Split(d.Help, "\n")
		for i := range help {
			help[i] = clean(help[i])
			if i > 0 && help[i] != "" {
				help[i] = "    " + help[i]
			}
		}
		fmt.Fprintf(p.w, "  %s %s\n", p.paint(cyan, "help:"), strings.Join(help, "\n"))
	}
}

func position(file string, line, column int) string {
	file = clean(file)
	switch {
	case file == "":
		return ""
	case line == 0:
		return file
	case column == 0:
		return fmt.Sprintf("%s:%d", file, line)
	}
	return fmt.Sprintf("%s:%d:%d", file, line, column)
}

// excerpt prints the line and carets below the bytes that are meant.
func (p *printer) excerpt(d Diagnostic, tone string) {
	from := min(d.Column-1, len(d.Excerpt))
	to := min(from+max(d.Width, 1), len(d.Excerpt))
	before, under := columns(d.Excerpt[:from]), columns(d.Excerpt[from:to])
	fmt.Fprintf(p.w, "    %s\n", clean(d.Excerpt))
	fmt.Fprintf(p.w, "    %s%s\n", strings.Repeat(" ", before), p.paint(tone, strings.Repeat("^", max(under, 1))))
}

// columns is how wide clean text is, a letter taken as one column.
func columns(text string) int { return utf8.RuneCountInString(clean(text)) }

// clean makes text fit for one line of a terminal: tabs become spaces, all other
// control characters and those that turn the direction of writing become visible.
func clean(text string) string {
	if !strings.ContainsFunc(text, unsafe) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\t':
			b.WriteString("    ")
		case unsafe(r):
			fmt.Fprintf(&b, "<%04x>", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unsafe(r rune) bool {
	return unicode.IsControl(r) || r == utf8.RuneError || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 ||
		r == 0x2028 || r == 0x2029
}
