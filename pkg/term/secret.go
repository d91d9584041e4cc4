package term

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/term"
)

// longestLine is what a terminal passes on of one line; more is cut without a word.
const longestLine = 4095

// ReadSecret asks at the terminal, and reads a line that is not shown. When ctx ends
// the terminal is as it was before.
func (s *IO) ReadSecret(ctx context.Context, prompt string) (string, error) {
	in, ok := s.In.(*os.File)
	if !ok || !s.InTTY {
		return "", errors.New("there is no terminal to ask at")
	}
	fd := int(in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("read from the terminal: %w", err)
	}
	fmt.Fprint(s.Err, prompt)
	defer fmt.Fprintln(s.Err)
	type result struct {
		line []byte
		err  error
	}
	read := make(chan result, 1)
	go func() {
		line, err := term.ReadPassword(fd)
		read <- result{line, err}
	}()
	select {
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(fd, before))
	case got := <-read:
		switch {
		case got.err != nil:
			return "", fmt.Errorf("read from the terminal: %w", got.err)
		case len(got.line) >= longestLine:
			return "", fmt.Errorf("a terminal passes on %d bytes of a line at most: read it from a file instead", longestLine)
		}
		return string(got.line), nil
	}
}
