package testbed

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// Process is a started agent.
type Process struct {
	cmd  *exec.Cmd
	Out  *bufio.Reader
	Said bytes.Buffer
}

func Start(t *testing.T, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{cmd: cmd}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	p.Out = bufio.NewReader(r)
	cmd.Stdout, cmd.Stderr = w, &p.Said
	cmd.WaitDelay = 5 * time.Second
	err = cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	if err := r.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *Process) Line(t *testing.T) []byte {
	t.Helper()
	line, err := p.Out.ReadBytes('\n')
	if err != nil {
		p.cmd.Process.Kill()
		p.cmd.Wait()
		t.Fatalf("no line: %v; said %s", err, &p.Said)
	}
	return line
}

func (p *Process) Signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func (p *Process) Wait(t *testing.T) int {
	t.Helper()
	err := p.cmd.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// Refused reports whether an attempt failed for want of rights. Users that a
// namespace does not know are an invalid argument there, which has no name.
func Refused(attempt string) bool { return attempt == "PermissionError" || attempt == "OSError" }

// CheckPowerless wants /proc/self/status of a process that has no right and can
// gain none.
func CheckPowerless(t *testing.T, status map[string]string) {
	t.Helper()
	none := "0000000000000000"
	for name, want := range map[string]string{"NoNewPrivs": "1", "CapEff": none, "CapPrm": none, "CapAmb": none} {
		if status[name] != want {
			t.Errorf("%s is %s", name, status[name])
		}
	}
}
