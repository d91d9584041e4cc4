// Package term is how fngen talks to a person: which streams are terminals, what
// may be coloured, progress, tables, and text of others made safe to print.
//
// stdout is the result and stderr is talk. Nothing here decides what is said.
package term

import (
	"io"
	"os"

	"golang.org/x/term"
)

// defaultWidth is that of a terminal that does not say how wide it is.
const defaultWidth = 80

// IO is the three streams of a process and what is known about them.
type IO struct {
	In       io.Reader
	Out, Err io.Writer
	// InTTY, OutTTY and ErrTTY say which of them a person sits at.
	InTTY, OutTTY, ErrTTY bool
	// Colour allows escape sequences for colour on Err.
	Colour bool
	// Live allows lines on Err that are rewritten in place.
	Live bool
	// Width is the number of columns of the terminal behind Err.
	Width int
}

// System describes the streams of this process. NO_COLOR and CI, set to anything,
// and TERM=dumb ask for plain lines.
func System(getenv func(string) string) *IO {
	s := &IO{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		InTTY:  term.IsTerminal(int(os.Stdin.Fd())),
		OutTTY: term.IsTerminal(int(os.Stdout.Fd())),
		ErrTTY: term.IsTerminal(int(os.Stderr.Fd())),
		Width:  defaultWidth,
	}
	plain := getenv("NO_COLOR") != "" || getenv("CI") != "" || getenv("TERM") == "dumb"
	if s.ErrTTY && !plain && enableEscapes(os.Stderr) {
		s.Colour, s.Live = true, true
	}
	if w, _, err := term.GetSize(int(os.Stderr.Fd())); err == nil && w > 0 {
		s.Width = w
	}
	return s
}

// Style is a colour or weight of text.
type Style string

// The styles that fngen uses; few, so that each means one thing.
const (
	Bold   Style = "1"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
	Dim    Style = "2"
)

// Paint returns text in that style when Err may be coloured, else text as it is.
func (s *IO) Paint(style Style, text string) string {
	if !s.Colour {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}
