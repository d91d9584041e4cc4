// Package cluster is the one-machine cluster as tests and measurements meet it
// beside fngen: through its router, in Nomad, and with kill -9. It goes by the
// variables of .dev/env.sh.
package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Cluster is that of a checkout.
type Cluster struct{ checkout string }

// In is the cluster of the checkout at a directory.
func In(checkout string) (Cluster, error) {
	abs, err := filepath.Abs(checkout)
	if err != nil {
		return Cluster{}, err
	}
	if os.Getenv("FNGEN_INGRESS") == "" {
		return Cluster{}, errors.New("no cluster: run `make up`, then `. .dev/env.sh`")
	}
	return Cluster{abs}, nil
}

// Test is what a test is asked for here.
type Test interface {
	Helper()
	Skip(args ...any)
	Fatal(args ...any)
}

// Require skips a test where no cluster was announced; `make test` announces one and
// so cannot skip.
func Require(t Test) {
	t.Helper()
	if os.Getenv("FNGEN_INGRESS") == "" || os.Getenv("FNGEN_API_KEY") == "" {
		if os.Getenv("FNGEN_E2E") == "required" {
			t.Fatal("FNGEN_E2E=required, but .dev/env.sh has not been read")
		}
		t.Skip("no cluster: run `make up`, then `. .dev/env.sh`")
	}
}

// Up starts again what has died, and waits until it is ready. Settings of make up
// may be given.
func (c Cluster) Up(ctx context.Context, settings ...string) error {
	cmd := exec.CommandContext(ctx, "make", "-s", "-C", c.checkout, "up")
	cmd.Env = append(os.Environ(), settings...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make up: %w\n%s", err, out)
	}
	return nil
}

// Eventually polls for what is certain to come, until it has come or the time is
// over.
func Eventually(limit time.Duration, what func() bool) bool {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if what() {
			return true
		}
	}
	return false
}

// Talk runs a command, hands over each line that it says on stderr in the moment
// in which it is said, and returns them all.
func Talk(cmd *exec.Cmd, heard func(line string)) (string, error) {
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	var talk strings.Builder
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		talk.WriteString(lines.Text() + "\n")
		heard(lines.Text())
	}
	return talk.String(), cmd.Wait()
}
