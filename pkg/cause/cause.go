// Package cause is why an instance does not come up, as its runtime tells it.
//
// The runtime (sdk/python/src/fngen/runtime/cause.py) knows the exception and the
// person's own frames, and writes them as one file of JSON into the directory of its
// task, beside the traceback that it prints. The control plane reads that file
// through Nomad. Code of strangers can write it too, so nothing in it is believed:
// it is bounded, made printable, and no path leaves the tree.
package cause

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// File is the record in the directory of a task. Its own directory is root's: what
// is read through Nomad, which follows links as root of the node and waits for a pipe
// for ever, must be the file that the agent has made.
const File = ".fngen/cause.json"

// MaxBytes is the largest record that is read.
const MaxBytes = 64 << 10

// What a record is kept of.
const (
	maxText   = 500
	maxFrames = 20
	maxCauses = 4
	maxLine   = 10_000_000
)

// Kind says what failed.
type Kind string

// A record of another kind is one of a newer runtime, and taken as it is.
const (
	Import   Kind = "import"   // the file could not be imported
	Call     Kind = "call"     // the function raised
	Result   Kind = "result"   // it returned what is no app
	Lifespan Kind = "lifespan" // the app's own start failed
	Serve    Kind = "serve"    // anything else before it serves
	Request  Kind = "request"  // a health check is answered with 500
	Collect  Kind = "collect"  // Django's static files could not be collected
	Bind     Kind = "bind"     // a task worker takes what cannot be made from data
	Waiting  Kind = "waiting"  // nothing has failed: it is not done yet
)

// Cause is one failure, and in Causes what led to it.
type Cause struct {
	Kind Kind `json:"kind"`
	// At is when it was seen, by the clock of the node.
	At time.Time `json:"-"`
	// Message is one line: the exception with its type, or our own words.
	Message string `json:"message"`
	// Type is the exception's class, empty when there was none.
	Type string `json:"type"`
	// Module is what an ImportError lacks, Variable the environment variable that a
	// KeyError is about.
	Module   string `json:"module"`
	Variable string `json:"variable"`
	// ID is the same for the same exception from the same lines.
	ID string `json:"id"`
	// Frames are those of the person's files, the innermost last.
	Frames []Frame `json:"frames"`
	Causes []Cause `json:"causes"`
}

// Frame is a line of the tree. Column counts from 1; 0 is unknown.
type Frame struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Width    int    `json:"width"`
	Function string `json:"function"`
}

// Parse reads a record.
func Parse(data []byte) (*Cause, error) {
	if len(data) > MaxBytes {
		return nil, errors.New("read cause: it is too large")
	}
	var record struct {
		Cause
		Version int     `json:"version"`
		At      float64 `json:"at"`
	}
	if err := json.Unmarshal(data, &record); err != nil {
		return nil, fmt.Errorf("read cause: %w", err)
	}
	if record.Version != 1 {
		return nil, fmt.Errorf("read cause: version %d", record.Version)
	}
	if record.At > 0 && record.At < 1<<40 {
		record.Cause.At = time.UnixMicro(int64(record.At * 1e6))
	}
	causes := record.Causes
	record.Causes = nil
	out := tidy(record.Cause)
	for _, c := range causes[:min(len(causes), maxCauses)] {
		c.Causes = nil
		out.Causes = append(out.Causes, tidy(c))
	}
	return &out, nil
}

// Innermost is the frame in which it happened, the zero Frame when none is known.
func (c *Cause) Innermost() Frame {
	if len(c.Frames) == 0 {
		return Frame{}
	}
	return c.Frames[len(c.Frames)-1]
}

func tidy(c Cause) Cause {
	c.Kind = Kind(Line(string(c.Kind)))
	c.Message, c.Type, c.Module = Line(c.Message), Line(c.Type), Line(c.Module)
	c.Variable, c.ID = Line(c.Variable), Line(c.ID)
	var frames []Frame
	for _, f := range c.Frames {
		if f, ok := tidyFrame(f); ok {
			frames = append(frames, f)
		}
	}
	c.Frames = frames[max(0, len(frames)-maxFrames):]
	return c
}

func tidyFrame(f Frame) (Frame, bool) {
	if !fs.ValidPath(f.File) || len(f.File) > maxText || f.File != Line(f.File) || f.Line < 1 || f.Line > maxLine {
		return f, false
	}
	if f.Column < 0 || f.Column > maxLine || f.Width < 0 || f.Width > maxLine {
		f.Column, f.Width = 0, 0
	}
	f.Function = Line(f.Function)
	return f, true
}

// password is that of a URL, as drivers of databases show it in their errors.
var password = regexp.MustCompile(`(://[^/\s:@]*):[^/\s@]+@`)

// Line makes one printable line of text, without the passwords of URLs, and no
// longer than a person reads.
func Line(text string) string {
	if len(text) > 4*maxText {
		text = text[:4*maxText]
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	text = password.ReplaceAllString(strings.TrimSpace(text), "$1:***@")
	if utf8.RuneCountInString(text) > maxText {
		text = string([]rune(text)[:maxText-3]) + "..."
	}
	return text
}
