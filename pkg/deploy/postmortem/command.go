package postmortem

import (
	"fmt"
	"regexp"
	"strings"

	"fngen.dev/fngen/nomad"
)

// What ended a release command is told from what it printed last: it may be any
// program, so that no runtime of ours writes it down.

var (
	traceback = "Traceback (most recent call last):"
	// ownFrame is a line of a traceback that is in the tree.
	ownFrame = regexp.MustCompile(`^  File "/app/([^"]+)", line (\d+)`)
	// raised ends a traceback. Its lines and those of the other stream may be mixed.
	raised = regexp.MustCompile(`^(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:: .*)?$`)
	// noModule is what `python -m` says of one that is not there.
	noModule = regexp.MustCompile(`: (No module named \S+)$`)
	// lastWords is an exception, or what programs print of one without a traceback.
	lastWords = regexp.MustCompile(`^(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:Error|Exception|Exit|Interrupt|Warning)(?:: .*)?$`)
)

// maxCause bounds what is taken of a line.
const maxCause = 300

// OfCommand says why a command ended with a code other than 0, as a clause, or
// nothing.
func OfCommand(f *nomad.Failure, lines []string) string {
	switch {
	case f.OutOfMemory:
		return "it took more memory than its server has for it, and was killed"
	case f.ExitCode == 127:
		return "its shell does not find the program; what is installed can be run as `python -m NAME`"
	case f.ExitCode == 126:
		return "its shell may not execute the program; is it executable?"
	}
	begin := -1
	for i, line := range lines {
		if strings.TrimSpace(line) == traceback {
			begin = i
		}
	}
	if begin < 0 {
		return wordsOf(lines)
	}
	place := ""
	for _, line := range lines[begin+1:] {
		if m := ownFrame.FindStringSubmatch(line); m != nil {
			place = fmt.Sprintf(" (%s:%s)", m[1], m[2])
		}
		if raised.MatchString(line) {
			return cut(line) + place
		}
	}
	return ""
}

// wordsOf are the last words of a program that prints no traceback.
func wordsOf(lines []string) string {
	for i := len(lines) - 1; i >= 0; i-- {
		if line := strings.TrimSpace(lines[i]); lastWords.MatchString(line) {
			return cut(line)
		}
		if m := noModule.FindStringSubmatch(lines[i]); m != nil {
			return cut(m[1])
		}
	}
	return ""
}

func cut(line string) string {
	line = strings.TrimSpace(line)
	if len(line) > maxCause {
		line = strings.ToValidUTF8(line[:maxCause], "") + "..."
	}
	return line
}
