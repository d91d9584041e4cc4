package incident

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"fngen.dev/fngen/nomad"
)

// shown is how much of what a check says is told.
const shown = 200

// levelled is a text and its level.
type levelled struct{ level, text string }

// name is an instance as `fngen status` and `fngen logs` name it.
func name(o nomad.Observed) string { return "instance " + o.Allocation[:min(len(o.Allocation), 8)] }

// inWords says how an instance ended, and what is next.
func inWords(o nomad.Observed, e nomad.End) levelled {
	next, level := "it is started again", "WARNING"
	if !e.Again {
		next, level = "it is not started there any more", "ERROR"
	}
	how := "ended: " + line(e.Reason)
	switch {
	case e.OutOfMemory:
		how, level = "was killed: it took more memory than its server has for it", "ERROR"
	case e.Signal != 0:
		how = fmt.Sprintf("ended by signal %d", e.Signal)
	case e.ExitCode != 0:
		how = fmt.Sprintf("ended with exit code %d", e.ExitCode)
	}
	return levelled{level, fmt.Sprintf("%s %s; %s", name(o), how, next)}
}

func away(o nomad.Observed) levelled {
	return levelled{"ERROR", fmt.Sprintf("%s is out of reach with its server %s: another one takes its place where there is room", name(o), o.Node)}
}

func lost(o nomad.Observed) levelled {
	return levelled{"ERROR", fmt.Sprintf("%s is lost with its server %s", name(o), o.Node)}
}

func back(o nomad.Observed) levelled {
	return levelled{"INFO", fmt.Sprintf("%s is back: its server %s can be reached again", name(o), o.Node)}
}

func unanswered(o nomad.Observed, output string) levelled {
	return levelled{"ERROR", name(o) + " fails its health check, and gets no requests: " + line(output)}
}

func answers(o nomad.Observed) levelled {
	return levelled{"INFO", name(o) + " passes its health check again"}
}

// line is a text in one line, not too long.
func line(text string) string {
	text = strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "\uFFFD")
	if len(text) <= shown {
		return text
	}
	end := shown
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + " ..."
}
