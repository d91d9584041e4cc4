package term

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// Keys are told one by one, unseen, and the terminal is afterwards as it was. A program
// of its own, since only who is in front of a terminal may set it.
func TestKeys(t *testing.T) {
	if os.Getenv("FNGEN_TEST_KEYS") != "" {
		s := &IO{In: os.Stdin, Err: os.Stderr, InTTY: true, ErrTTY: true}
		keys, restore := s.Keys(t.Context())
		io.WriteString(os.Stderr, "ready")
		for key := range keys {
			io.WriteString(os.Stderr, "<"+string(key)+">")
			if key == 'q' {
				break
			}
		}
		restore()
		return
	}
	x := newTerminal(t)
	program := exec.Command(os.Args[0], "-test.run=^TestKeys$")
	program.Env = append(os.Environ(), "FNGEN_TEST_KEYS=1")
	program.Stdin, program.Stdout, program.Stderr = x.program, io.Discard, x.program
	program.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the program", func() bool { return strings.Contains(x.soFar(), "ready") })
	for _, key := range []string{"r", "q"} {
		if _, err := io.WriteString(x.person, key); err != nil {
			t.Fatal(err)
		}
		until(t, "key "+key, func() bool { return strings.Contains(x.soFar(), "<"+key+">") })
	}
	if err := program.Wait(); err != nil {
		t.Fatal(err)
	}
	if !x.echoes(t) {
		t.Error("the terminal does not show any more")
	}
	if shown := x.all(t); shown != "ready<r><q>" {
		t.Errorf("shown was %q", shown)
	}
}

// Without a terminal there are no keys.
func TestNoKeys(t *testing.T) {
	s := &IO{In: strings.NewReader("q"), Err: io.Discard}
	keys, restore := s.Keys(t.Context())
	restore()
	if keys != nil {
		t.Error("keys of a file")
	}
}

// soFar is what a person has seen.
func (x *terminal) soFar() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.shown.String()
}
