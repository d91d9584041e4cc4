package agent

import (
	"context"
	"math"
	"os"
	"runtime/debug"
	"strconv"

	"fngen.dev/fngen/pkg/agent/console"
)

// serve runs one function until it ends, and returns its exit code.
func serve(ctx context.Context, o *serveOptions, env environ, signals <-chan os.Signal, log console.Logger) int {
	p, err := o.fetch(ctx, log)
	defer p.close() // held as long as the function runs
	c := o.command(p, env)
	if err == nil {
		err = o.bootable(c)
	}
	if code, stopped := stoppedBy(ctx, signals); stopped {
		log.Say("stopped before %s was started", o.name)
		return code
	}
	if err != nil {
		log.Say("start %s: %v", o.name, err)
		return console.ExitFailed
	}
	j, err := o.openJournal()
	if err != nil {
		log.Say("%s runs, and what it prints is not kept: %v", o.name, err)
	}
	defer j.close()
	debug.FreeOSMemory()
	return o.run(c, p, j, signals, log)
}

// run runs the function to its end, with what it prints and what is said of it in its log.
func (o *serveOptions) run(c command, p *place, j *journal, signals <-chan os.Signal, log console.Logger) int {
	aside := j.logger(log)
	c.log, c.last, c.disk, c.tasks = j, true, o.bound(p.tree, aside), &tasks{uid: o.uid, log: aside}
	j.starts(o.name, o.release)
	status, err := run(c, signals)
	if err != nil {
		aside.Say("run %s: %v", o.name, err)
		return console.ExitFailed
	}
	o.sayFull(status, aside)
	log.Say("%s %s", o.name, console.Ending(status))
	j.end(o.name, status)
	return console.ExitCode(status)
}

// command is the Python process of the function.
func (o *serveOptions) command(p *place, env environ) command {
	e := o.environment(p, env)
	for _, v := range [][2]string{
		{"FNGEN_HOST", o.host},
		{"FNGEN_PORT", o.port},
		{"FNGEN_HEALTH", o.health},
		{"FNGEN_FRAMEWORK", o.framework},
		{"FNGEN_STATIC", p.static},
		{"FNGEN_CAUSE", p.cause},
		{"FNGEN_PROCESSES", orEmpty(o.processes)},
		{"FNGEN_THREADS", orEmpty(o.threads)},
		{"FNGEN_MAX_BODY_MB", orEmpty(o.maxBodyMB)},
		{"FNGEN_MAX_HEADER_KB", orEmpty(o.maxHeaderKB)},
		{"FNGEN_KEEP_ALIVE", orEmpty(o.keepAlive)},
		{"FNGEN_DRAIN_SECONDS", strconv.Itoa(int(math.Ceil(o.drain.Seconds())))},
	} {
		e = e.with(v[0], v[1])
	}
	return o.boot(p, e)
}

// orEmpty is n as the value of a variable, which is not set where nobody says a number.
func orEmpty(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
