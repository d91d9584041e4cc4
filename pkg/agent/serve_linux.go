package agent

import (
	"context"
	"math"
	"os"
	"runtime/debug"
	"strconv"

	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/environ"
	"fngen.dev/fngen/pkg/agent/instance"
	"fngen.dev/fngen/pkg/agent/journal"
	"fngen.dev/fngen/pkg/agent/program"
)

// serve runs one function until it ends, and returns its exit code.
func serve(ctx context.Context, o *serveOptions, env environ.Vars, signals <-chan os.Signal, log console.Logger) int {
	p, err := o.Fetch(ctx, log)
	defer p.Close() // held as long as the function runs
	c := o.command(p, env)
	if err == nil {
		err = o.Bootable(c)
	}
	if code, stopped := program.StoppedBy(ctx, signals); stopped {
		log.Say("stopped before %s was started", o.Name)
		return code
	}
	if err != nil {
		log.Say("start %s: %v", o.Name, err)
		return console.ExitFailed
	}
	j, err := o.OpenJournal()
	if err != nil {
		log.Say("%s runs, and what it prints is not kept: %v", o.Name, err)
	}
	defer j.Close()
	debug.FreeOSMemory()
	return o.run(c, p, j, signals, log)
}

// run runs the function to its end, with what it prints and what is said of it in its log.
func (o *serveOptions) run(c program.Command, p *instance.Place, j *journal.Journal, signals <-chan os.Signal, log console.Logger) int {
	aside := j.Logger(log)
	c.Log, c.Last, c.Disk, c.Threads = j, true, o.Bound(p.Tree, aside), &program.Threads{UID: o.UID, Log: aside}
	j.Starts(o.Name, o.Release)
	status, err := program.Run(c, signals)
	if err != nil {
		aside.Say("run %s: %v", o.Name, err)
		return console.ExitFailed
	}
	o.SayFull(status, aside)
	log.Say("%s %s", o.Name, console.Ending(status))
	j.End(o.Name, status)
	return console.ExitCode(status)
}

// command is the Python process of the function.
func (o *serveOptions) command(p *instance.Place, env environ.Vars) program.Command {
	e := o.Environment(p, env)
	for _, v := range [][2]string{
		{"FNGEN_HOST", o.host},
		{"FNGEN_PORT", o.port},
		{"FNGEN_HEALTH", o.health},
		{"FNGEN_FRAMEWORK", o.framework},
		{"FNGEN_STATIC", p.Static},
		{"FNGEN_CAUSE", p.Cause},
		{"FNGEN_PROCESSES", orEmpty(o.processes)},
		{"FNGEN_THREADS", orEmpty(o.threads)},
		{"FNGEN_MAX_BODY_MB", orEmpty(o.maxBodyMB)},
		{"FNGEN_MAX_HEADER_KB", orEmpty(o.maxHeaderKB)},
		{"FNGEN_KEEP_ALIVE", orEmpty(o.keepAlive)},
		{"FNGEN_DRAIN_SECONDS", strconv.Itoa(int(math.Ceil(o.drain.Seconds())))},
	} {
		e = e.With(v[0], v[1])
	}
	return o.Boot(p, e)
}

// orEmpty is n as the value of a variable, which is not set where nobody says a number.
func orEmpty(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
