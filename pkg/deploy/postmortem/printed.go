// Package postmortem tells why a program of a project failed, from what it left: what
// it printed, how it ended, and what its runtime wrote down. It reads text that the
// code of a project may have made, and believes none of it more than it has to.
package postmortem

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/compiler/catalog"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/cause"
)

// Signalled is what exit codes are above, by the agent and by shells, of programs
// that a signal has ended.
const Signalled = 128

// Ended says how an instance ended by itself, and is empty when it did not.
func Ended(f *nomad.Failure, servers []ir.Server) string {
	after := ""
	if took := f.Ended.Sub(f.Started); !f.Started.IsZero() && took >= time.Second {
		after = fmt.Sprintf(" after %.0f s", took.Seconds())
	}
	switch code := f.ExitCode; {
	case f.OutOfMemory:
		return "it took more memory than its server has and was killed" + memoryOf(f.Group, servers)
	case code > Signalled:
		return "it was ended by " + signalWords(syscall.Signal(code-Signalled), after)
	case code > 0:
		return fmt.Sprintf("it exited with code %d%s, and did not say why", code, after)
	case code == 0:
		return fmt.Sprintf("it ended by itself%s, with exit code 0; a web app runs until it is told to stop", after)
	}
	return ""
}

// memoryOf names what a server has, in brackets.
func memoryOf(server string, servers []ir.Server) string {
	for _, s := range servers {
		if size, ok := catalog.LookupSize(s.Size); ok && s.Name == server {
			return fmt.Sprintf(" (%s is of size %s, with %d MB)", s.Name, s.Size, size.MemoryMB)
		}
	}
	return ""
}

// signalWords says what ended a program, after so long.
func signalWords(s syscall.Signal, after string) string {
	name := cmp.Or(unix.SignalName(s), fmt.Sprintf("signal %d", int(s))) + after
	switch s {
	case syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGILL, syscall.SIGFPE, syscall.SIGABRT:
		return name + ", a crash in code that is not Python"
	case syscall.SIGKILL:
		return name + ", as when a machine has no memory left"
	}
	return name
}

// agentSays begins the lines of the agent, runtimeSays the one in which the runtime
// says why it ends.
const (
	agentSays   = "fngen-agent: "
	runtimeSays = "fngen: "
	traceBegins = "Traceback (most recent call last):"
)

// isRoutine reports whether a line is one that the agent says of every start.
func isRoutine(line string) bool {
	return strings.HasPrefix(line, agentSays+"fetched ") || strings.HasPrefix(line, agentSays+"copied ")
}

// isEnding reports whether a line is the agent's last one of a start.
func isEnding(line string) bool {
	return strings.HasPrefix(line, agentSays) && (strings.Contains(line, " ended with exit code ") || strings.Contains(line, " was killed by "))
}

// agentCauses begin what the agent says when it could not start a program, or ended
// it (pkg/agent/serve_linux.go, disk/quota_linux.go).
var agentCauses = []string{"start ", "run ", "it has more on the disk "}

// OfAgent is why the agent did not start a program, or ended it, in its own words;
// empty when it did neither.
func OfAgent(f *nomad.Failure) string {
	if f.ExitCode <= 0 || f.OutOfMemory {
		return ""
	}
	for _, line := range slices.Backward(f.Stderr) {
		said, ok := strings.CutPrefix(line, agentSays)
		if ok && slices.ContainsFunc(agentCauses, func(begins string) bool { return strings.HasPrefix(said, begins) }) {
			return cause.Line(said)
		}
	}
	return ""
}

// batchFails begin what the agent says when the code of a project fails at what its job is
// for (pkg/agent); the rest of it is why.
var batchFails = []string{"the static files cannot be collected: ", "the task workers cannot be imported: "}

// OfBatch is why a job that ends has failed, in the words of its agent, which come last;
// without them what Nomad knows is all there is.
func OfBatch(f *nomad.Failure, printed []string) string {
	for _, line := range slices.Backward(printed) {
		said, ok := strings.CutPrefix(line, agentSays)
		if !ok {
			continue
		}
		for _, begins := range batchFails {
			said = strings.TrimPrefix(said, begins)
		}
		return cause.Line(said)
	}
	if f.ExitCode > 0 {
		return fmt.Sprintf("%s with exit code %d", f.Reason, f.ExitCode)
	}
	return f.Reason
}

// LastRun is what an instance printed on stderr since it was started last. When its
// cause is known, what the diagnostic says itself is left out.
func LastRun(lines []string, found *cause.Cause) []string {
	from, to := 0, len(lines)
	for i, line := range lines {
		if isEnding(line) && i+1 < len(lines) {
			from = i + 1
		}
	}
	lines = slices.DeleteFunc(slices.Clone(lines[from:to]), isRoutine)
	if found == nil {
		return lines
	}
	short := len(found.Frames) <= 1 && len(found.Causes) == 0
	if found.Kind == cause.Request { // the same one for each check
		lines = lines[lastTraceback(lines):]
		if short {
			lines = nil
		}
	}
	var out []string
	for _, line := range lines {
		if strings.HasPrefix(line, runtimeSays) && short {
			out = out[:lastTraceback(out)]
		}
		if !strings.HasPrefix(line, agentSays) && !strings.HasPrefix(line, runtimeSays) {
			out = append(out, line)
		}
	}
	return out
}

// lastTraceback is where the last traceback begins, with those of the exceptions
// that led to it; the end, when there is none.
func lastTraceback(lines []string) int {
	at := len(lines)
	for i := len(lines) - 1; i >= 0; i-- {
		if lines[i] != traceBegins {
			continue
		}
		at = i
		if i < 2 || !strings.Contains(lines[i-2], "exception") || lines[i-1] != "" {
			break
		}
	}
	return at
}

// Once takes from lines of several runs, which say the same each time but for
// numbers, those of the last run.
func Once(lines []string) []string {
	for runs := 4; runs > 1; runs-- {
		n := len(lines) / runs
		if n > 0 && len(lines)%runs == 0 && repeats(lines, n) {
			return lines[len(lines)-n:]
		}
	}
	return lines
}

func repeats(lines []string, n int) bool {
	for i := n; i < len(lines); i++ {
		if withoutDigits(lines[i]) != withoutDigits(lines[i-n]) {
			return false
		}
	}
	return true
}

func withoutDigits(line string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, line)
}
