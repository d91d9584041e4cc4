package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// AskYes asks a question until the answer is one. Only the end of the input, where
// nobody answers, is none: it is a no.
func (a *App) AskYes(ctx context.Context, question string) (bool, error) {
	in := bufio.NewReader(a.IO.In)
	for {
		fmt.Fprint(a.IO.Err, question+" [Y/n] ")
		answer, err := ReadLine(ctx, in)
		if err != nil {
			a.Sayf("")
		}
		switch {
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil:
			return false, err
		}
		switch strings.ToLower(answer) {
		case "", "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
	}
}

// ReadLine reads one line, io.EOF where there is none, and gives up at once when ctx ends: a read from a
// terminal cannot be interrupted, so it is left behind in its goroutine, and the
// process ends soon after.
func ReadLine(ctx context.Context, r *bufio.Reader) (string, error) {
	type result struct {
		line string
		err  error
	}
	read := make(chan result, 1)
	go func() {
		line, err := r.ReadString('\n')
		read <- result{strings.TrimSpace(line), err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case got := <-read:
		if got.err != nil && (got.line == "" || !errors.Is(got.err, io.EOF)) {
			return "", fmt.Errorf("read answer: %w", got.err)
		}
		return got.line, nil
	}
}
