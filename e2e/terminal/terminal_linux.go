// Package terminal types at a terminal what a person would, and reads what is shown: a
// shell in a pseudo-terminal, with the programs that the person has.
package terminal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience stands for "it never comes".
const patience = 3 * time.Minute

// prompt is what the shell shows when it waits for a command.
const prompt = "READY> "

// Terminal is a shell at a terminal.
type Terminal struct {
	person *os.File
	shell  *exec.Cmd
	closed chan struct{}

	mu    sync.Mutex
	shown bytes.Buffer
	// seen is how much of it was waited for.
	seen int
}

// Open opens a shell in a directory.
func Open(dir string, env []string) (*Terminal, error) {
	person, program, err := pair()
	if err != nil {
		return nil, err
	}
	defer program.Close()
	shell := exec.Command("sh", "-i") //nolint:noctx // it is ended by Close
	shell.Dir, shell.Env = dir, append(env, "PS1="+prompt, "TERM=xterm", "ENV=")
	shell.Stdin, shell.Stdout, shell.Stderr = program, program, program
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := shell.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start shell: %w", err), person.Close())
	}
	t := &Terminal{person: person, shell: shell, closed: make(chan struct{})}
	go t.read()
	return t, t.prompted()
}

// pair makes a pseudo-terminal: the side of the person, and that of programs.
func pair() (person, program *os.File, err error) {
	person, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make terminal: %w", err)
	}
	err = unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0)
	number := 0
	if err == nil {
		number, err = unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(person.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 200})
	}
	if err == nil {
		program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("make terminal: %w", err), person.Close())
	}
	return person, program, nil
}

func (t *Terminal) read() {
	defer close(t.closed)
	for b := make([]byte, 4096); ; {
		n, err := t.person.Read(b)
		t.mu.Lock()
		t.shown.Write(b[:n])
		t.mu.Unlock()
		if err != nil {
			return // the last program has closed its side
		}
	}
}

// escapes move the cursor or set a colour.
var escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)

// Shown is all that was shown so far, without colours.
func (t *Terminal) Shown() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return plain(t.shown.String())
}

func plain(s string) string {
	return strings.ReplaceAll(escapes.ReplaceAllString(s, ""), "\r\n", "\n")
}

// Press presses keys.
func (t *Terminal) Press(keys string) error {
	_, err := io.WriteString(t.person, keys)
	return err
}

// Wait waits for a text that is shown after what was waited for before.
func (t *Terminal) Wait(text string) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		t.mu.Lock()
		all := plain(t.shown.String())
		i := strings.Index(all[min(t.seen, len(all)):], text)
		if i >= 0 {
			t.seen += i + len(text)
		}
		t.mu.Unlock()
		if i >= 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%q was not shown within %s; shown was\n%s", text, patience, all)
		}
	}
}

func (t *Terminal) prompted() error { return t.Wait(prompt) }

// Type types a command, and does not wait for its end.
func (t *Terminal) Type(command string) error {
	if err := t.Press(command + "\n"); err != nil {
		return err
	}
	return t.Wait("\n") // the echo, in which nothing else is looked for
}

// Run types a command that must end well.
func (t *Terminal) Run(command string) error {
	if err := t.Type(command); err != nil {
		return err
	}
	return t.Ended(command, 0)
}

// Ended waits until a command has ended by that exit code.
func (t *Terminal) Ended(command string, code int) error {
	if err := t.prompted(); err != nil {
		return err
	}
	if err := t.Type("echo exit code $?"); err != nil {
		return err
	}
	if err := t.Wait(fmt.Sprintf("exit code %d\n", code)); err != nil {
		return fmt.Errorf("%s did not end by %d: %w", command, code, err)
	}
	return t.prompted()
}

// Close ends the shell, with all that runs at the terminal.
func (t *Terminal) Close() {
	_ = t.person.Close() // a terminal that hangs up ends its programs
	_ = t.shell.Process.Kill()
	_ = t.shell.Wait()
	<-t.closed
}
