//go:build linux

package e2e

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
	"fngen.dev/fngen/nomad/dev/provision/mirror"
	"fngen.dev/fngen/pkg/api"
)

const which = `
import os, sys
from fastapi import FastAPI
from fngen.powers import webapp

app = FastAPI()

@app.get("/")
def index():
    return f"{sys.version.split()[0]} {sys.base_prefix} {os.path.realpath(os.__file__)}"

@webapp(framework="fastapi")
def live_app():
    return app
`

// TestPythons adds a version of Python to the platform, from a mirror in a directory,
// and takes it away again under a function that runs with it.
func TestPythons(t *testing.T) {
	cluster.Require(t)
	onlySoak(t)
	machine, before := e2etest.OneMachine(t), platformPythons(t)
	in, found := lackingPython(t, before)
	if !found {
		t.Skipf("this machine has no Python that the platform, with %v, lacks", before)
	}
	settings, err := mirror.Make(t.TempDir(), in, "20260101")
	check(t, err)
	p := newProject(t)
	p.Write(t, "app.py", which)
	p.Write(t, ".python-version", in.Language()+"\n")
	refused := push(t, p)
	for _, want := range []string{"FN1114", "Python " + in.Language() + " is not available on this platform, which has " + strings.Join(before, ", "), "FNGEN_PYTHONS"} {
		if !strings.Contains(refused, want) {
			t.Errorf("a platform without the version says %s, want %s", refused, want)
		}
	}

	t.Cleanup(func() {
		left, err := filepath.Glob("../.dev/node/*/" + in.Language() + "*")
		check(t, err)
		for _, path := range left {
			check(t, os.RemoveAll(path))
		}
		e2etest.MakeUp(t)
	})
	env := []string{"FNGEN_PYTHONS=" + strings.Join(append(before, in.Language()), ",")}
	for name, value := range settings {
		env = append(env, name+"="+value)
	}
	check(t, machine.Up(t.Context(), env...))
	p.Run(t, "push", p.Name)
	answers := func() string {
		resp, err := e2etest.Router(t).Get(cluster.URL(p.Name) + "/")
		check(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		check(t, err)
		return string(body)
	}
	want := `"` + in.Version + " /opt/fngen/python/" + in.Language() + " /opt/fngen/python/" + in.Version + `-20260101/lib/python` + in.Language() + `/os.py"`
	if got := answers(); got != want {
		t.Errorf("the function says %s, want %s", got, want)
	}

	check(t, machine.Up(t.Context(), "FNGEN_PYTHONS="+strings.Join(before, ",")))
	if got := platformPythons(t); !slices.Equal(got, before) {
		t.Errorf("the platform has %v, want %v", got, before)
	}
	if got := answers(); got != want {
		t.Errorf("the function of a version that is no longer offered says %s, want %s", got, want)
	}
	p.Write(t, "app.py", which+"\n# changed\n")
	if refused := push(t, p); !strings.Contains(refused, "FN1114") {
		t.Errorf("a push with a version that is no longer offered says %s", refused)
	}
	p.Write(t, ".python-version", "")
	p.Run(t, "push", p.Name)
	p.Run(t, "rollback", p.Name)
	if got := answers(); got != want {
		t.Errorf("the release of a version that is no longer offered says %s, want %s", got, want)
	}
}

// push wants a push that is refused, and returns what it says.
func push(t *testing.T, p project) string {
	t.Helper()
	out, err := p.Command("push", p.Name).CombinedOutput()
	if err == nil {
		t.Errorf("pushed: %s", out)
	}
	return string(out)
}

// platformPythons are the versions that the platform says it has.
func platformPythons(t *testing.T) []string {
	t.Helper()
	client, err := api.NewClient(os.Getenv("FNGEN_API_URL"), os.Getenv("FNGEN_API_KEY"), os.Getenv("FNGEN_CA_CERT"), "e2e")
	check(t, err)
	platform, err := client.Platform(t.Context())
	check(t, err)
	return platform.Pythons
}

func lackingPython(t *testing.T, have []string) (mirror.Interpreter, bool) {
	for _, in := range mirror.Machine(t.Context()) {
		// FastAPI of today needs 3.10.
		if v := in.Language(); len(v) == len("3.10") && v >= "3.10" && !slices.Contains(have, v) {
			return in, true
		}
	}
	return mirror.Interpreter{}, false
}
