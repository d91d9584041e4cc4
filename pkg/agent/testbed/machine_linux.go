package testbed

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// UID is the user of the tests' project.
const UID = 700999

// Machine is a node and an allocation on it, on which other users can walk.
type Machine struct{ Dir, Cache, Node, Home, App, Identity string }

func NewMachine(t *testing.T, c *ControlPlane) *Machine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("the agent changes users: this test needs root")
	}
	dir, err := os.MkdirTemp("/var/tmp", "fngen-agent-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	m := &Machine{
		Dir: dir, Cache: dir + "/cache", Node: dir + "/node", Home: dir + "/local", App: dir + "/app", Identity: dir + "/secrets/nomad_fngen.jwt",
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	m.Lay(t)
	m.Write(t, m.Identity, "the-identity\n", 0o600)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate().Raw})
	m.Write(t, m.Node+"/etc/ca.pem", string(ca), 0o644)
	if err := os.MkdirAll(m.Node+"/wheels", 0o755); err != nil {
		t.Fatal(err)
	}
	return m
}

// Lay lays the directories of a task as Nomad does, and again whenever its client
// starts: open to every user.
func (m *Machine) Lay(t *testing.T) {
	t.Helper()
	for _, dir := range []string{"alloc", "alloc/logs", "alloc/data", "alloc/tmp", "private", "secrets"} {
		path := filepath.Join(m.Dir, dir)
		if err := errors.Join(os.MkdirAll(path, 0o777), os.Chmod(path, 0o777), os.Chown(path, 65534, 65534)); err != nil {
			t.Fatal(err)
		}
	}
}

func (m *Machine) Write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// Boot writes the program that serve starts.
func (m *Machine) Boot(t *testing.T, python string) {
	m.Write(t, m.Node+"/runtime/3.11/fngen/runtime/boot.py", python, 0o644)
}

// taskCapabilities are what nobody has in a task.
const taskCapabilities = "-all,+chown,+dac_override,+dac_read_search,+fowner,+kill,+setgid,+setuid"

// Agent is the agent for a tree as a task starts it; more flags may be added.
func (m *Machine) Agent(t *testing.T, c *ControlPlane, command, tree string, more ...string) *exec.Cmd {
	args := append([]string{
		"--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=" + taskCapabilities,
		"--inh-caps=" + taskCapabilities, "--ambient-caps=" + taskCapabilities, "--", AgentBinary(t), command,
		"--project=hello", fmt.Sprint("--uid=", UID), "--python=3.11", "--tree=" + tree, "--api=" + c.URL,
		"--cache=" + m.Cache, "--node=" + m.Node, "--home=" + m.Home, "--app=" + m.App, "--identity=" + m.Identity,
	}, more...)
	cmd := exec.Command("setpriv", args...)
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	return cmd
}

// AgentBinary builds the agent as it is shipped: static.
func AgentBinary(t *testing.T) string {
	t.Helper()
	path, err := buildBinary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var buildBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(testBin, "fngen-agent")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "fngen.dev/fngen/cmd/fngen-agent")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build agent: %w\n%s", err, out)
	}
	return path, nil
})

// testBin is set once, by Main.
var testBin string

// Main runs tests that start agents, and returns the exit code.
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("/var/tmp", "fngen-agent-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	testBin = dir
	return m.Run()
}

// Wheel puts the SDK on the node as make up does: packed, with what an installer reads.
func (m *Machine) Wheel(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	if err := w.AddFS(os.DirFS(filepath.Join(repository(t), "sdk/python/src"))); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"METADATA": "Metadata-Version: 2.1\nName: fngen\nVersion: 1.0.0\n",
		"WHEEL":    "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		"RECORD":   "",
	} {
		f, err := w.Create("fngen-1.0.0.dist-info/" + name)
		if err == nil {
			_, err = f.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := m.Node + "/wheels/fngen-1.0.0-py3-none-any.whl"
	m.Write(t, path, out.String(), 0o644)
	return path
}

// Variables writes the project's variables as Nomad does, and returns the file.
func (m *Machine) Variables(t *testing.T, values map[string]string) string {
	t.Helper()
	data, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(m.Dir, "secrets", "variables.json")
	m.Write(t, path, string(data), 0o600)
	return path
}

// CollectedAt is when static files were, of which dated tells.
var CollectedAt = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// Dated has the control plane say when a layer was stored, as the real one does.
func Dated(w http.ResponseWriter, _ *http.Request) bool {
	w.Header().Set("Last-Modified", CollectedAt.Format(http.TimeFormat))
	return false
}

// repository is where the sources are: tests of several depths run this.
func repository(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	t.Fatal("this test runs outside of the repository")
	return ""
}
