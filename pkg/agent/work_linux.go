package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/pkg/agent/cache"
	"fngen.dev/fngen/pkg/agent/capture"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/controlplane"
	"fngen.dev/fngen/pkg/agent/environ"
	"fngen.dev/fngen/pkg/agent/instance"
	"fngen.dev/fngen/pkg/agent/journal"
	"fngen.dev/fngen/pkg/agent/program"
	crews "fngen.dev/fngen/pkg/agent/tasks"
	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/task"
)

// workOptions is one function whose tasks are to be run.
type workOptions struct {
	instance.Function
	concurrency, retries int
	timeout, drain       time.Duration
	queue, broker        string
	allocation           string
	// memory is what the instance may have at most, in MB, 0 if nobody says.
	memory int
}

// taskGrace is what a task has after its time to clean up.
const taskGrace = 10 * time.Second

func parseWork(args []string, env environ.Vars, usage io.Writer) (*workOptions, error) {
	o := &workOptions{}
	f := console.NewFlags("work", usage)
	o.Function.Flags(f)
	f.IntVar(&o.concurrency, "concurrency", 1, "how `many` tasks run at once")
	f.IntVar(&o.retries, "retries", 5, "how `often` a task that fails is tried again")
	f.DurationVar(&o.timeout, "timeout", 15*time.Minute, "the `time` that one attempt may take")
	f.DurationVar(&o.drain, "drain", 15*time.Minute, "the `time` for tasks to end after a stop signal")
	f.StringVar(&o.queue, "queue", "", "the `name` of the function's queue")
	f.StringVar(&o.broker, "broker", "/secrets/"+task.BrokerFile, "the `file` that says how RabbitMQ is reached")
	f.StringVar(&o.allocation, "allocation", env.Get("NOMAD_ALLOC_ID"), "the `id` of the allocation")
	if err := console.Parse(f, args); err != nil {
		return nil, err
	}
	for _, name := range []string{"NOMAD_MEMORY_MAX_LIMIT", "NOMAD_MEMORY_LIMIT"} {
		if n, err := strconv.Atoi(env.Get(name)); err == nil && o.memory == 0 {
			o.memory = n
		}
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	switch {
	case o.concurrency < 1 || o.concurrency > maxConcurrency:
		return nil, fmt.Errorf("--concurrency %d is not between 1 and %d", o.concurrency, maxConcurrency)
	case o.retries < 0 || o.timeout <= 0 || o.drain < 0:
		return nil, errors.New("--retries, --timeout or --drain is below zero")
	case o.queue != task.Queue(o.Project, o.Name):
		return nil, fmt.Errorf("--queue %q is not that of %s", o.queue, o.Name)
	case o.allocation == "":
		return nil, errors.New("--allocation is missing")
	}
	return o, nil
}

// maxConcurrency is as many as a decorator may name.
const maxConcurrency = 100

// busyGC is how much garbage there may be beside what is needed, in percent. Of tasks there
// come many: what one takes of the processor is a third more with what is right for an agent
// that waits. Before the first task there is no garbage.
const busyGC = 100

// work runs a function's tasks until it is told to stop.
func work(ctx context.Context, o *workOptions, env environ.Vars, signals <-chan os.Signal, log console.Logger) int {
	s, err := o.prepare(ctx, env, log)
	defer s.close()
	if code, stopped := program.StoppedBy(ctx, signals); stopped {
		log.Say("stopped before %s was started", o.Name)
		return code
	}
	if err != nil {
		log.Say("start %s: %v", o.Name, err)
		return console.ExitFailed
	}
	s.journal, err = o.OpenJournal()
	if err != nil {
		log.Say("%s runs, and what it prints is not kept: %v", o.Name, err)
	}
	defer s.journal.Close()
	s.listen()
	debug.SetGCPercent(busyGC)
	debug.FreeOSMemory()
	return s.run(signals)
}

// shift is a worker from its start to its end.
type shift struct {
	o       *workOptions
	log     console.Logger
	place   *instance.Place
	command program.Command
	control *os.File
	broker  task.Broker
	client  *controlplane.Client
	journal *journal.Journal
	boss    boss
	tails   crews.Tails
	// theirs is Python's end of the control socket.
	theirs *os.File
}

func (s *shift) close() { s.place.Close() }

// listen has Python's sockets where it is told they are, and what it prints in the log.
func (s *shift) listen() {
	s.command.Log, s.log = s.journal, s.journal.Logger(s.log)
	s.command.Disk, s.command.Threads = s.o.Bound(s.place.Tree, s.log), &program.Threads{UID: s.o.UID, Log: s.log}
	number := program.RecordsFD
	if s.journal != nil {
		number++
	}
	s.command.Files = []*os.File{s.theirs}
	s.command.Env = s.command.Env.With("FNGEN_WORK", strconv.Itoa(number))
	s.journal.Starts(s.o.Name, s.o.Release)
	if s.journal != nil {
		s.journal.Hear = func(e capture.Entry) { s.tails.Note(e.TaskID, e.Message) }
		s.journal.Work = func() capture.Work { return capture.Work{TaskID: s.boss.only()} }
	}
}

// prepare brings everything into place, as root.
func (o *workOptions) prepare(ctx context.Context, env environ.Vars, log console.Logger) (*shift, error) {
	p, err := o.Fetch(ctx, log)
	s := &shift{o: o, log: log, place: p}
	if err != nil {
		return s, err
	}
	if s.broker, err = readBroker(o.broker); err != nil {
		return s, err
	}
	if _, s.client, err = cache.Prepare(&o.Target, log); err != nil {
		return s, err
	}
	ours, theirs, err := zygoteSockets()
	if err != nil {
		return s, err
	}
	s.control, s.theirs = ours, theirs
	e := o.Environment(p, env)
	for _, v := range [][2]string{
		{"FNGEN_CONCURRENCY", strconv.Itoa(o.concurrency)},
		{"FNGEN_TIMEOUT", o.timeout.String()},
		{"FNGEN_CAUSE", p.Cause},
	} {
		e = e.With(v[0], v[1])
	}
	s.command = o.Boot(p, e)
	s.command.Last = true
	return s, o.Bootable(s.command)
}

func readBroker(path string) (task.Broker, error) {
	var b task.Broker
	data, err := os.ReadFile(path)
	if err != nil {
		return b, fmt.Errorf("read how the broker is reached: %w", err)
	}
	if json.Unmarshal(data, &b) != nil || b.URL == "" { // no part of it is shown
		return b, errors.New("read how the broker is reached: the file does not say")
	}
	return b, nil
}

func zygoteSockets() (ours, theirs *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make the socket of the zygote: %w", err)
	}
	if err := unix.SetNonblock(pair[1], false); err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(pair[0]), "zygote"), os.NewFile(uintptr(pair[1]), "zygote"), nil
}

// run starts Python, and hands it tasks until a stop signal or Python's end.
func (s *shift) run(signals <-chan os.Signal) int {
	crew, err := crews.NewCrew(s.control, s.o.concurrency, s.o.processKiB(), slog.New(slog.NewTextHandler(s.log.W, nil)))
	if err != nil {
		s.log.Say("%v", err)
		return console.ExitFailed
	}
	children, ended := make(chan os.Signal, 8), make(chan finish, 1)
	go func() {
		status, err := program.Run(s.command, children)
		ended <- finish{status, err}
	}()
	served := make(chan error, 1)
	go func() { served <- s.serve(crew, &s.boss) }()
	for {
		select {
		case got := <-signals:
			if got == syscall.SIGCHLD {
				select {
				case children <- got:
				default: // it looks anyway
				}
				continue
			}
			if s.boss.stop(s.o.drain, s.log) > 2 {
				return console.ExitSignal + int(syscall.SIGKILL) // and all that runs ends with the agent
			}
		case e := <-ended: // before it was ready, or it died
			crew.Close()
			return s.end(cmp.Or(<-served, errEnded), e, s.boss.level())
		case err := <-served:
			crew.Close()
			return s.end(err, <-s.reaped(signals, children, ended), s.boss.level())
		}
	}
}

var errEnded = errors.New("Python has ended")

// reaped passes the ends of children on until Python itself has ended.
func (s *shift) reaped(signals <-chan os.Signal, children chan<- os.Signal, ended <-chan finish) <-chan finish {
	out := make(chan finish, 1)
	go func() {
		for {
			select {
			case e := <-ended:
				out <- e
				return
			case got := <-signals:
				if got != syscall.SIGCHLD {
					got = syscall.SIGKILL
				}
				select {
				case children <- got:
				default: // it looks anyway
				}
			}
		}
	}()
	return out
}

// finish is how Python ended.
type finish struct {
	status syscall.WaitStatus
	err    error
}

// end says how it ended, and gives the exit code.
func (s *shift) end(served error, e finish, level int) int {
	switch {
	case e.err != nil:
		s.log.Say("run %s: %v", s.o.Name, e.err)
		return console.ExitFailed
	case served != nil && level == 0:
		s.o.SayFull(e.status, s.log)
		s.log.Say("%s %s", s.o.Name, console.Ending(e.status))
		s.journal.End(s.o.Name, e.status)
		return max(console.ExitCode(e.status), console.ExitFailed)
	case level > 1:
		s.log.Say("%s was stopped, and tasks that ran were given back", s.o.Name)
		return console.ExitSignal + int(syscall.SIGTERM)
	}
	s.log.Say("%s was stopped", s.o.Name)
	return 0
}

// serve hands out tasks.
func (s *shift) serve(crew *crews.Crew, b *boss) error {
	spawn, err := crew.Ready(context.Background())
	s.theirs.Close() // Python has its own by now, or never will
	if err != nil {
		return err
	}
	if spawn != "" {
		s.log.Say("%s: so each worker imports it anew, which takes longer and more memory", spawn)
	}
	logs := slog.New(slog.NewTextHandler(s.log.W, nil))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	publisher := queue.NewPublisher(ctx, s.broker, "agent "+s.o.allocation, logs)
	defer publisher.Close()
	session := queue.NewSession(s.broker, "worker "+s.o.allocation, logs,
		queue.Source{Queue: s.o.queue, Prefetch: s.o.concurrency},
		queue.Source{Queue: task.ControlQueue(s.o.allocation), Prefetch: 10, Fanout: task.ControlExchange})
	read := make(chan struct{})
	go func() { session.Run(ctx); close(read) }()
	release, _ := strconv.Atoi(s.o.Release)
	runner := crews.NewRunner(crews.Options{
		Project: s.o.Project, Function: s.o.Name, Allocation: s.o.allocation, Server: s.o.Server, Release: release,
		Concurrency: s.o.concurrency, Timeout: s.o.timeout, Retries: s.o.retries, Grace: taskGrace, MemoryMB: s.o.memory,
		Tails: &s.tails, Heard: s.journal.CaughtUp, Say: s.journal.Task,
	}, crew, session, publisher, claims{s.client}, logs)
	b.lead(runner)
	err = runner.Serve()
	cancel()
	<-read
	return err
}

// processKiB is what one process may have before it is replaced: an even part of what
// there is, less what the rest needs.
func (o *workOptions) processKiB() int { return o.memory * 1024 * 8 / 10 / o.concurrency }
