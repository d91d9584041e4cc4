package agent

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

// agentProcess is a started agent.
type agentProcess struct {
	cmd  *exec.Cmd
	out  *bufio.Reader
	said bytes.Buffer
}

func startAgent(t *testing.T, cmd *exec.Cmd) *agentProcess {
	t.Helper()
	p := &agentProcess{cmd: cmd}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	p.out = bufio.NewReader(r)
	cmd.Stdout, cmd.Stderr = w, &p.said
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

func (p *agentProcess) line(t *testing.T) []byte {
	t.Helper()
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		p.cmd.Process.Kill()
		p.cmd.Wait()
		t.Fatalf("no line: %v; said %s", err, &p.said)
	}
	return line
}

func (p *agentProcess) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func (p *agentProcess) wait(t *testing.T) int {
	t.Helper()
	err := p.cmd.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// refused reports whether an attempt failed for want of rights. Users that a
// namespace does not know are an invalid argument there, which has no name.
func refused(attempt string) bool { return attempt == "PermissionError" || attempt == "OSError" }

// checkPowerless wants /proc/self/status of a process that has no right and can
// gain none.
func checkPowerless(t *testing.T, status map[string]string) {
	t.Helper()
	none := "0000000000000000"
	for name, want := range map[string]string{"NoNewPrivs": "1", "CapEff": none, "CapPrm": none, "CapAmb": none} {
		if status[name] != want {
			t.Errorf("%s is %s", name, status[name])
		}
	}
}
