package dev

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"fngen.dev/fngen/compiler/ir"
)

// tailLines of an instance's output are kept for the page that tells of its end.
const tailLines = 60

// instance is one process that serves a function.
type instance struct {
	address  string
	origin   origin
	process  *exec.Cmd
	requests sync.WaitGroup
	// done is closed when the process has ended and all it printed is read.
	done chan struct{}
	// hold keeps the process alive: it ends when this does, or this program. A line on
	// it asks for what is imported.
	hold io.WriteCloser

	mu   sync.Mutex
	last []string
}

// serve starts a web function; it need not answer yet.
func (e *environment) serve(ctx context.Context, f ir.Function, line func(function, line string)) (*instance, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	in, err := e.start(f, line, nil, "FNGEN_FRAMEWORK="+f.WebApp.Framework, "FNGEN_HEALTH="+f.WebApp.Health,
		"FNGEN_HOST=127.0.0.1", "FNGEN_PORT="+port, "FNGEN_DRAIN_SECONDS=1")
	if in != nil {
		in.address = net.JoinHostPort("127.0.0.1", port)
	}
	return in, err
}

// start starts a process of a function.
func (e *environment) start(f ir.Function, line func(function, line string), args []string, variables ...string) (*instance, error) {
	in := &instance{origin: e.origin, done: make(chan struct{})}
	cmd := exec.Command(e.python, append([]string{"-u", e.boot()}, args...)...) //nolint:noctx // it is ended as a group, see Stop
	cmd.Dir = e.root
	cmd.Env = append(append(append(os.Environ(), e.variables...),
		"FNGEN_PROJECT="+e.project, "FNGEN_FUNCTION="+f.Name, "FNGEN_POWER="+string(f.Power), "FNGEN_RELEASE=dev", "FNGEN_SERVER=dev",
		"FNGEN_FILE="+f.File, "FNGEN_RUNTIME="+e.runtime, "PYTHONDONTWRITEBYTECODE=1",
		// Tasks that the code sends are for here, whatever the shell's own key is for.
		"FNGEN_API_URL="+e.platform, "FNGEN_API_KEY="+Key, "FNGEN_CA_CERT="), variables...)
	separate(cmd)
	read, hold, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe: %w", err)
	}
	defer read.Close()
	output, write, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make pipe: %w", err), hold.Close())
	}
	defer write.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = read, write, write
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start Python: %w", err), hold.Close(), output.Close())
	}
	in.process, in.hold = cmd, hold
	go in.follow(f.Name, output, line)
	return in, nil
}

// freePort is a port that nothing listens on. Somebody may take it before the
// function does, which then does not start and says so.
func freePort(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

// follow passes on what the process prints, until it has ended.
func (in *instance) follow(function string, output io.ReadCloser, line func(function, line string)) {
	lines := make(chan struct{})
	go func() {
		defer close(lines)
		r := bufio.NewReader(output)
		for {
			text, err := r.ReadString('\n')
			if text = strings.TrimRight(text, "\r\n"); text != "" || err == nil {
				in.note(text)
				line(function, text)
			}
			if err != nil {
				return
			}
		}
	}()
	_ = in.process.Wait() // what it printed tells why
	// A child that it left behind may keep the output open: it is ended with it.
	endGroup(in.process)
	<-lines
	_ = output.Close()
	_ = in.hold.Close()
	close(in.done)
}

func (in *instance) note(line string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.last = append(in.last, line); len(in.last) > tailLines {
		in.last = in.last[1:]
	}
}

// Tail is what the instance printed last.
func (in *instance) Tail() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return strings.Join(in.last, "\n")
}

// Done is closed when the process has ended and all it printed is read.
func (in *instance) Done() <-chan struct{} { return in.done }

// ExitCode is how it ended; -1 for a signal.
func (in *instance) ExitCode() int { return in.process.ProcessState.ExitCode() }

// ready waits until the instance takes connections.
func (in *instance) ready(ctx context.Context) error {
	dialer := &net.Dialer{}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if conn, err := dialer.DialContext(ctx, "tcp", in.address); err == nil {
			return conn.Close()
		}
		select {
		case <-in.done:
			return fmt.Errorf("it ended with exit code %d", in.ExitCode())
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// retire stops an instance once its last request has ended.
func (in *instance) retire() {
	in.requests.Wait()
	in.Stop(stopTime)
}

// Stop asks the process to end, and ends it when it does not within the time.
func (in *instance) Stop(within time.Duration) {
	askToEnd(in.process)
	select {
	case <-in.done:
	case <-time.After(within):
		endGroup(in.process)
		<-in.done
	}
}
