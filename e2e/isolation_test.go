package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fngen.dev/fngen/e2e/cluster"
)

// The tests of isolation do what a stranger with an account would do to others and to
// the platform, from inside of functions and builds.

// strangersKey is a key of an account that has nothing to do with the tests' own.
func strangersKey(t *testing.T) string {
	t.Helper()
	email := randomName() + "@example.com"
	operator(t, "account", "create", email)
	return strings.TrimSpace(operator(t, "key", "create", email))
}

// operator runs fngend as the operator of the cluster would.
func operator(t *testing.T, args ...string) string {
	t.Helper()
	data, err := filepath.Abs("../.dev/data/fngend")
	check(t, err)
	cmd := exec.Command("fngend", args...)
	cmd.Env = append(os.Environ(), "FNGEND_DATA="+data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("fngend %v: %v", args, err)
	}
	return string(out)
}

// asks has the function of a project do something, and reads its answer into result.
func (p project) asks(t *testing.T, what string, arguments url.Values, result any) {
	t.Helper()
	res, err := router(t).Get(cluster.URL(p.name) + "/" + what + "?" + arguments.Encode())
	check(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	check(t, err)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s is answered by %s: %s", what, res.Status, body)
	}
	if err := json.Unmarshal(body, result); err != nil {
		t.Fatalf("%s is answered by %q: %v", what, body, err)
	}
}
