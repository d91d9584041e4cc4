// Command worker is what runs tasks on the platform, the agent with its zygote, without
// the platform: its own rights, and a control plane that lets everything run.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/pkg/agent/tasks"
	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/task"
)

// options come as JSON, the one argument.
type options struct {
	Broker                                        task.Broker
	Project, Function, File, Dir, Python, Runtime string
	Concurrency                                   int
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

func run() error {
	var o options
	if err := json.Unmarshal([]byte(os.Args[1]), &o); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	control, zygote, err := o.zygote()
	if err != nil {
		return err
	}
	crew, err := tasks.NewCrew(control, o.Concurrency, 0, log)
	if err != nil {
		return err
	}
	defer func() { crew.Close(); _ = zygote.Wait() }() // its code says nothing
	if _, err := crew.Ready(ctx); err != nil {
		return err
	}
	over, end := context.WithCancel(context.Background())
	defer end()
	p := queue.NewPublisher(over, o.Broker, "agent", log)
	defer p.Close()
	s := queue.NewSession(o.Broker, "worker", log, queue.Source{Queue: task.Queue(o.Project, o.Function), Prefetch: o.Concurrency})
	go s.Run(over)
	r := tasks.NewRunner(tasks.Options{
		Project: o.Project, Function: o.Function, Allocation: "bench", Server: "bench", Release: 1,
		Concurrency: o.Concurrency, Timeout: 15 * time.Minute, Retries: 5, Grace: 10 * time.Second,
	}, crew, s, p, willing{}, log)
	context.AfterFunc(ctx, r.Stop)
	return r.Serve()
}

// zygote starts Python with the function.
func (o options) zygote() (*os.File, *exec.Cmd, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer theirs.Close()
	cmd := exec.Command(o.Python, "-u", filepath.Join(o.Runtime, "fngen/runtime/boot.py"))
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = o.Dir, os.Stderr, os.Stderr, []*os.File{theirs}
	cmd.Env = append(os.Environ(), "FNGEN_POWER=task_worker", "FNGEN_FUNCTION="+o.Function, "FNGEN_FILE="+o.File, "FNGEN_WORK=3",
		"FNGEN_RUNTIME="+o.Runtime, "FNGEN_CONCURRENCY="+strconv.Itoa(o.Concurrency))
	// A stop of the group is for the agent, which ends Python.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return ours, cmd, errors.Join(cmd.Start())
}

// willing is a control plane that says yes.
type willing struct{}

func (willing) Claim(context.Context, string, int) (tasks.Verdict, error) { return tasks.Run, nil }

func (willing) Payload(context.Context, string, task.Large) ([]byte, error) {
	return nil, tasks.ErrPayloadGone
}
