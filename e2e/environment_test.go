//go:build linux

package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	nomad "github.com/hashicorp/nomad/api"
	vault "github.com/hashicorp/vault/api"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
	"fngen.dev/fngen/jobs"
)

// secretiveApp tells the digests of its variables, in itself, in a child and in a
// thread, and looks for a text wherever it can read.
const secretiveApp = `import hashlib
import os
import subprocess
import sys

from fastapi import FastAPI, Request

from fngen.powers import webapp

TOKEN = os.environ["TOKEN"]
digest = "import hashlib, os; print(hashlib.sha256(os.environ['TOKEN'].encode()).hexdigest())"
app = FastAPI()


@app.get("/")
def index():
    return "ok"


@app.get("/digests")
def digests():
    child = subprocess.run([sys.executable, "-c", digest], capture_output=True, text=True).stdout.strip()
    return {"token": hashlib.sha256(TOKEN.encode()).hexdigest(), "child": child, "more": os.environ.get("MORE", "")}


@app.post("/search")
async def search(request: Request):
    """The files that have the text of the body."""
    text, found, seen = await request.body(), [], 0
    places = ["/secrets", "/alloc", "/local", "/private", "/app", "/tmp", "/var", "/run", "/opt/fngen", "/etc"]
    files = [os.path.join(top, name) for place in places for top, _, names in os.walk(place) for name in names]
    files += [f"/proc/{pid}/{name}" for pid in os.listdir("/proc") if pid.isdigit() for name in ("environ", "cmdline")]
    for file in files:
        try:
            with open(file, "rb") as f:
                seen += 1
                if text in f.read(1 << 20):
                    found.append(file)
        except OSError:
            pass
    return {"seen": seen, "found": found}


@webapp(framework="fastapi")
def live_app():
    return app
`

// secretiveTask tells the digest of a variable that it read when it was imported, and in
// a child.
const secretiveTask = `import hashlib
import os
import subprocess
import sys

from fngen.powers import task_worker

TOKEN = os.environ["TOKEN"]
digest = "import hashlib, os; print(hashlib.sha256(os.environ['TOKEN'].encode()).hexdigest())"


@task_worker
def digests(n: int) -> list[str]:
    child = subprocess.run([sys.executable, "-c", digest], capture_output=True, text=True).stdout.strip()
    return [hashlib.sha256(TOKEN.encode()).hexdigest(), child, os.environ.get("MORE", "")]
`

// TestEnvironment sets variables, changes them and goes back. Their values reach every
// process of the project exactly as they were given, and nothing and nobody else.
func TestEnvironment(t *testing.T) {
	cluster.Require(t)
	e2etest.Beside(t, "east s")
	p := newProject(t)
	said := &recorded{project: p}
	p.Write(t, "app.py", secretiveApp)
	p.Write(t, "work.py", secretiveTask)
	p.Write(t, "requirements.txt", "fastapi\n")
	p.Write(t, "release.py", "import hashlib, os\nprint('digest', hashlib.sha256(os.environ['TOKEN'].encode()).hexdigest())\n")
	p.Write(t, "fngen.yml", e2etest.OnServers("s", "us-east", 1)+"functions:\n  live_app: {release: python release.py}\n")

	first, second := canary(t), canary(t)
	said.with(t, "TOKEN='"+first+" $HOME \\n ü'\nMORE=yes\n", "set_env", p.Name, "-")
	talk := said.with(t, "", "push", p.Name, ".")
	one := digestOf(first + ` $HOME \n ü`)
	if !strings.Contains(talk, "digest "+one) {
		t.Errorf("the release command has another value:\n%s", talk)
	}
	p.has(t, one, "yes")
	p.works(t, one, "yes")
	said.with(t, second+"\n", "set_env", p.Name, "TOKEN", "--from-stdin")
	p.has(t, digestOf(second), "yes")
	p.works(t, digestOf(second), "yes")
	if out := said.with(t, "", "env", p.Name); !strings.Contains(out, "TOKEN\t") || !strings.Contains(out, "live_app (app.py:10)") {
		t.Errorf("the variables are\n%s", out)
	}
	said.with(t, "", "unset_env", p.Name, "MORE")
	p.has(t, digestOf(second), "")
	said.with(t, "", "rollback", p.Name, "1")
	p.has(t, one, "yes")
	said.with(t, "", "plan", p.Name, ".")
	said.with(t, "", "logs", p.Name, "--limit", "1000")
	said.with(t, "", "releases", p.Name, "--json")

	other := newProject(t)
	other.Write(t, "app.py", secretiveApp)
	other.Write(t, "requirements.txt", "fastapi\n")
	other.Write(t, "fngen.yml", e2etest.OnServers("s", "us-east", 1))
	cmd := other.Command("set_env", other.Name, "-")
	cmd.Stdin = strings.NewReader("TOKEN=" + canary(t) + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("set_env: %v\n%s", err, out)
	}
	other.Run(t, "push", other.Name, ".")
	for _, value := range []string{first, second} {
		if found := other.search(t, value); len(found) > 0 {
			t.Errorf("a function of another project finds a value in %v", found)
		}
		if strings.Contains(said.text.String(), value) {
			t.Errorf("a command printed a value:\n%s", said.text.String())
		}
	}
	nowhere(t, p, first, second)
	if kept := inVault(t, p.Name); len(kept) == 0 {
		t.Error("Vault has nothing of the project")
	}
	p.Run(t, "destroy", p.Name, "--yes")
	if kept := inVault(t, p.Name); len(kept) > 0 {
		t.Errorf("when the project is gone Vault has %v of it", kept)
	}
}

// works holds that a task has a value.
func (p project) works(t *testing.T, digest, more string) {
	t.Helper()
	var got []string
	check(t, json.Unmarshal([]byte(p.Run(t, "run_task", "--wait", p.Name, "digests", "1")), &got))
	if want := []string{digest, digest, more}; !slices.Equal(got, want) {
		t.Errorf("a task has %v, not %v", got, want)
	}
}

// inVault are the secrets of a project, deleted versions too.
func inVault(t *testing.T, name string) (keys []any) {
	t.Helper()
	c, err := vault.NewClient(vault.DefaultConfig())
	check(t, err)
	list, err := c.Logical().ListWithContext(t.Context(), jobs.SecretMount+"/metadata/"+name)
	check(t, err)
	if list != nil {
		keys, _ = list.Data["keys"].([]any)
	}
	return keys
}

func canary(t *testing.T) string {
	t.Helper()
	random := make([]byte, 12)
	_, err := rand.Read(random)
	check(t, err)
	return "canary-" + hex.EncodeToString(random)
}

func digestOf(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}

// recorded keeps all that commands print.
type recorded struct {
	project project
	text    bytes.Buffer
}

// with runs a command with a standard input, and returns what it printed.
func (r *recorded) with(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	cmd := r.project.Command(args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	r.text.Write(out)
	if err != nil {
		t.Fatalf("fngen %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// has holds that the application and what it starts have a value.
func (p project) has(t *testing.T, digest, more string) {
	t.Helper()
	var got map[string]string
	if !e2etest.Eventually(func() bool { return p.Ask(t, "/digests", nil, &got) == nil }) {
		t.Fatal("it does not answer")
	}
	if got["token"] != digest || got["child"] != digest || got["more"] != more {
		t.Errorf("it has %v, not %s and %q", got, digest, more)
	}
}

// search has an application look for a text in all files that it can read.
func (p project) search(t *testing.T, text string) []string {
	t.Helper()
	resp, err := e2etest.Router(t).Post(p.URL()+"search", "text/plain", strings.NewReader(text))
	check(t, err)
	defer resp.Body.Close()
	var got struct {
		Seen  int
		Found []string
	}
	check(t, json.NewDecoder(resp.Body).Decode(&got))
	if got.Seen < 100 {
		t.Errorf("it has read %d files only", got.Seen)
	}
	return got.Found
}

// nowhere holds that values are in nothing that the platform keeps or shows.
func nowhere(t *testing.T, p project, values ...string) {
	t.Helper()
	list := filepath.Join(t.TempDir(), "values") // an argument could be seen
	check(t, os.WriteFile(list, []byte(strings.Join(values, "\n")), 0o600))
	for _, place := range []string{"data/fngend", "data/nomad", "data/consul", "data/loki", "logs"} {
		out, err := exec.CommandContext(t.Context(), "grep", "-rlaF", "-f", list, filepath.Join("../.dev", place)).Output()
		if len(out) > 0 {
			t.Errorf("a value is in\n%s", out)
		}
		// 1: it found nothing; 2: a file went away meanwhile.
		if exit, failed := errors.AsType[*exec.ExitError](err); err == nil || !failed || exit.ExitCode() > 2 {
			t.Errorf("grep in %s: %v", place, err)
		}
	}
	for what, text := range map[string]string{"Nomad": p.inNomad(t), "the arguments of a process": arguments(t)} {
		for _, value := range values {
			if strings.Contains(text, value) {
				t.Errorf("a value is in %s", what)
			}
		}
	}
}

// inNomad is all that Nomad's API tells about the project.
func (p project) inNomad(t *testing.T) string {
	t.Helper()
	c, o := e2etest.NomadClient(t), (&nomad.QueryOptions{Namespace: p.Name}).WithContext(context.WithoutCancel(t.Context()))
	var text bytes.Buffer
	keep := json.NewEncoder(&text)
	jobs, _, err := c.Jobs().List(o)
	check(t, err)
	for _, stub := range jobs {
		versions, _, _, err := c.Jobs().Versions(stub.ID, false, o)
		check(t, err)
		check(t, keep.Encode(versions))
	}
	allocations, _, err := c.Allocations().List(o)
	check(t, err)
	for _, stub := range allocations {
		a, _, err := c.Allocations().Info(stub.ID, o)
		check(t, err)
		check(t, keep.Encode(a))
	}
	if len(jobs) == 0 || len(allocations) == 0 {
		t.Errorf("Nomad knows %d jobs and %d allocations", len(jobs), len(allocations))
	}
	return text.String()
}

// arguments are those of all processes of the machine.
func arguments(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	check(t, err)
	var text bytes.Buffer
	for _, file := range files {
		one, _ := os.ReadFile(file) // it may have ended
		text.Write(one)
	}
	return text.String()
}
