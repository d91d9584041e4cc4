package e2etest

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/e2e/cluster"
)

// OneMachine is the cluster under test.
func OneMachine(t *testing.T) cluster.Cluster {
	t.Helper()
	c, err := cluster.In(InCheckout(t))
	check(t, err)
	return c
}

// InCheckout is a path below the checkout that the tests are of.
func InCheckout(t *testing.T, elem ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	check(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(append([]string{dir}, elem...)...)
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

// MakeUp starts again what has died, and waits until it is ready.
func MakeUp(t *testing.T) {
	t.Helper()
	check(t, OneMachine(t).Up(context.WithoutCancel(t.Context())))
}

// UpAgain has everything of the cluster run after a test that failed half-way.
func UpAgain(t *testing.T) {
	t.Cleanup(func() {
		if t.Failed() {
			MakeUp(t)
		}
	})
}

// NomadClient asks the cluster's Nomad.
func NomadClient(t *testing.T) *nomad.Client {
	t.Helper()
	client, err := cluster.Nomad()
	check(t, err)
	return client
}

// Router is a client that asks through the cluster's router.
func Router(t *testing.T) *http.Client {
	t.Helper()
	client, err := cluster.Router()
	check(t, err)
	return client
}

// Settle is how long something that is certain to come may take to be seen.
const Settle = 3 * time.Minute

// Eventually polls for what another program is certain to do soon.
func Eventually(what func() bool) bool { return cluster.Eventually(Settle, what) }

// StrangersKey is a key of an account that has nothing to do with the tests' own.
func StrangersKey(t *testing.T) string {
	t.Helper()
	email := RandomName() + "@example.com"
	operator(t, "account", "create", email)
	return strings.TrimSpace(operator(t, "key", "create", email))
}

// operator runs fngend as the operator of the cluster would.
func operator(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "fngend", args...)
	cmd.Env = append(os.Environ(), "FNGEND_DATA="+InCheckout(t, ".dev/data/fngend"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("fngend %v: %v", args, err)
	}
	return string(out)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
