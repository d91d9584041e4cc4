//go:build linux

package process

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// maxLog is the size from which a log is put aside at the next start.
const maxLog = 32 << 20

// Spec is how to start one server.
type Spec struct {
	Name string
	Path string
	Args []string
	// Env is the whole environment; nothing is inherited.
	Env []string
	// Dir is the working directory. What a server leaves behind is found by it.
	Dir string
	Log string
	// Config is the configuration it reads: a change means a restart.
	Config [][]byte
	Order  int
}

// digest identifies what would run. The log and the order do not matter.
func (s Spec) digest() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q\n", s.Path, s.Args, s.Env, s.Dir)
	for _, c := range s.Config {
		fmt.Fprintf(h, "%d\n", len(c))
		h.Write(c)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Current reports whether the process runs as the spec says.
func Current(dir string, s Spec) bool {
	r, alive := Load(dir, s.Name)
	return alive && r.Spec == s.digest()
}

// Start starts the server in a session of its own, so that it outlives make and
// the terminal, and records it in dir.
func Start(dir string, s Spec) (Record, error) {
	for _, d := range []string{filepath.Dir(s.Log), s.Dir} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return Record{}, fmt.Errorf("create %s: %w", d, err)
		}
	}
	if info, err := os.Stat(s.Log); err == nil && info.Size() > maxLog {
		if err := os.Rename(s.Log, s.Log+".1"); err != nil {
			return Record{}, fmt.Errorf("rotate log: %w", err)
		}
	}
	log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return Record{}, fmt.Errorf("open log: %w", err)
	}
	defer log.Close()
	cmd := &exec.Cmd{
		Path: s.Path, Args: append([]string{s.Path}, s.Args...), Env: s.Env, Dir: s.Dir,
		Stdout: log, Stderr: log,
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if err := cmd.Start(); err != nil {
		return Record{}, fmt.Errorf("start %s: %w", s.Name, err)
	}
	start, _, err := statOf(cmd.Process.Pid)
	if err != nil {
		return Record{}, fmt.Errorf("start %s: it ended at once: see %s", s.Name, s.Log)
	}
	go func() { _ = cmd.Wait() }() // so that one that dies while we wait is not a zombie
	r := Record{
		Name: s.Name, PID: cmd.Process.Pid, Start: start, Boot: bootID(), Spec: s.digest(), Order: s.Order,
	}
	return r, save(dir, r)
}

// Stop ends a process: SIGTERM, then SIGKILL when the grace is over. It returns
// when the process is gone, and may be called for one that is.
func Stop(dir string, r Record, grace time.Duration) error {
	if r.Alive() {
		if err := signalAndWait(r, syscall.SIGTERM, grace); err != nil {
			if err := signalAndWait(r, syscall.SIGKILL, 10*time.Second); err != nil {
				return err
			}
		}
	}
	if err := os.Remove(recordPath(dir, r.Name)); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("remove record: %w", err)
	}
	return nil
}

func signalAndWait(r Record, sig syscall.Signal, wait time.Duration) error {
	if err := syscall.Kill(r.PID, sig); err != nil && err != syscall.ESRCH {
		return fmt.Errorf("signal %s (pid %d): %w", r.Name, r.PID, err)
	}
	for deadline := time.Now().Add(wait); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if !r.Alive() {
			return nil
		}
	}
	return fmt.Errorf("%s (pid %d) still runs %s after signal %d", r.Name, r.PID, wait, sig)
}

// Tail returns the last lines of a log.
func Tail(path string, lines int) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	all := strings.Split(strings.TrimRight(string(raw), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
