package term

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pair of a terminal and the side where a person sits.
type terminal struct {
	person, program *os.File
	mu              sync.Mutex
	shown           bytes.Buffer
	done            chan struct{}
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no terminals here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	// Blocking, as the standard streams of a process are.
	slave, err := unix.Open(fmt.Sprintf("/dev/pts/%d", n), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	x := &terminal{person: master, program: os.NewFile(uintptr(slave), "terminal"), done: make(chan struct{})}
	go func() {
		defer close(x.done)
		for b := make([]byte, 1000); ; {
			n, err := master.Read(b)
			x.mu.Lock()
			x.shown.Write(b[:n])
			x.mu.Unlock()
			if err != nil { // the program has closed its side
				return
			}
		}
	}()
	return x
}

// echoes reports whether the terminal shows what is typed.
func (x *terminal) echoes(t *testing.T) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(x.program.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// until waits for something that comes in any case.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s never came", what)
		}
	}
}

// all is what a person has seen when the program has ended.
func (x *terminal) all(t *testing.T) string {
	t.Helper()
	if err := x.program.Close(); err != nil {
		t.Fatal(err)
	}
	<-x.done
	return x.shown.String()
}

// What is typed is read and not shown, and the terminal shows again afterwards.
func TestReadSecret(t *testing.T) {
	x := newTerminal(t)
	s := &IO{In: x.program, InTTY: true, Err: x.program}
	type result struct {
		text string
		err  error
	}
	read := make(chan result, 1)
	go func() {
		text, err := s.ReadSecret(t.Context(), "Value: ")
		read <- result{text, err}
	}()
	until(t, "a terminal that does not show", func() bool { return !x.echoes(t) })
	if _, err := io.WriteString(x.person, "canary ż $x\n"); err != nil {
		t.Fatal(err)
	}
	if got := <-read; got.err != nil || got.text != "canary ż $x" {
		t.Errorf("%q, %v", got.text, got.err)
	}
	if !x.echoes(t) {
		t.Error("the terminal does not show any more")
	}
	if shown := x.all(t); strings.Contains(shown, "canary") || !strings.Contains(shown, "Value: ") {
		t.Errorf("shown was %q", shown)
	}
}

// An interrupt ends the question, and the terminal shows again.
func TestReadSecretInterrupted(t *testing.T) {
	x := newTerminal(t)
	s := &IO{In: x.program, InTTY: true, Err: x.program}
	ctx, cancel := context.WithCancel(t.Context())
	read := make(chan error, 1)
	go func() {
		_, err := s.ReadSecret(ctx, "Value: ")
		read <- err
	}()
	until(t, "a terminal that does not show", func() bool { return !x.echoes(t) })
	cancel()
	if err := <-read; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if !x.echoes(t) {
		t.Error("the terminal does not show any more")
	}
	// The program's side stays open: the reader that is left behind has only its number,
	// which must not become that of another test's.
}

func TestReadSecretWithoutTerminal(t *testing.T) {
	s := &IO{In: strings.NewReader("canary\n"), Err: io.Discard}
	if text, err := s.ReadSecret(t.Context(), "Value: "); err == nil {
		t.Errorf("read %q", text)
	}
}
