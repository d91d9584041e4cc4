package provision

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fngen.dev/fngen/nomad/dev/layout"
	"fngen.dev/fngen/nomad/dev/provision/mirror"
)

// said collects what is reported.
type said struct {
	mu    sync.Mutex
	lines []string
}

func (s *said) report(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " "))
}

// all returns what was said since it was last asked.
func (s *said) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.lines
	s.lines = nil
	return lines
}

// checkout is a layout of the test's own with the real SDK, and the real uv.
func checkout(t *testing.T) (layout.Layout, string) {
	t.Helper()
	actual, err := layout.Find()
	if err != nil {
		t.Fatal(err)
	}
	uv, err := UV(t.Context(), actual, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	l := layout.Layout{Root: t.TempDir(), Cache: t.TempDir()}
	for from, to := range map[string]string{
		filepath.Join(l.Root, "sdk"):       filepath.Join(actual.Root, "sdk"),
		filepath.Join(l.Cache, "uv-cache"): filepath.Join(actual.Cache, "uv-cache"),
	} {
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range append([]string{"UV_OFFLINE", "UV_HTTP_RETRIES"}, mirrors...) {
		t.Setenv(name, "") // put back at the end
		os.Unsetenv(name)
	}
	return l, uv
}

func wanted(t *testing.T, text string) Wanted {
	t.Helper()
	w, err := ParseWanted(text)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// page serves one request after it has imported what nothing has imported before.
const page = `
import sys
from fngen.powers import webapp

async def app(scope, receive, send):
    await receive()
    import wsgiref.headers
    body = "\n".join([sys.version.split()[0], sys.base_prefix, wsgiref.headers.__file__])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body.encode()})

@webapp(framework="fastapi")
def live_app():
    return app
`

// TestPythonFromMirror has uv install a Python from a directory, and serves a
// function with it before, during and after a change to another build of it.
func TestPythonFromMirror(t *testing.T) {
	l, uv := checkout(t)
	in := interpreter(t)
	use := func(build string) {
		settings, err := mirror.Make(t.TempDir(), in, build)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range settings {
			t.Setenv(name, value)
		}
	}
	use("20260101")
	var s said
	bring := func(want ...string) Python {
		t.Helper()
		got, err := pythons(t.Context(), l, uv, wanted(t, in.Language()), nil, s.report)
		if err != nil || len(got) != 1 {
			t.Fatalf("pythons are %v, %v; said %q", got, err, s.all())
		}
		if diff := cmp.Diff(want, s.all()); diff != "" {
			t.Errorf("said (-want +got):\n%s", diff)
		}
		return got[0]
	}
	first := in.Version + "-20260101"
	p := bring("pythons asking uv for "+in.Language(), "pythons "+first+" installed by uv")
	if home := filepath.Join(l.Kit(), "python", first); p.Home != home || p.Version() != in.Language() {
		t.Errorf("is %+v, want home %s", p, home)
	}
	bring() // a second time, nobody is asked
	checkPlace(t, p)

	wheel, err := buildWheel(t.Context(), l, uv, s.report)
	if err != nil {
		t.Fatal(err)
	}
	if err := installRuntime(t.Context(), l, uv, p, wheel, s.report); err != nil {
		t.Fatal(err)
	}
	layer := filepath.Join(t.TempDir(), "layer")
	name := filepath.Join(l.Kit(), "python", in.Language())
	if err := runUV(t.Context(), l, uv, "venv", "--quiet", "--no-project", "--python", filepath.Join(name, "bin", "python"+in.Language()), layer); err != nil {
		t.Fatal(err)
	}
	begun := start(t, l, in.Language(), layer)

	// Another uv knows another build. What runs goes on with the one that it began with.
	use("20260202")
	if err := os.WriteFile(filepath.Join(p.Home, uvStamp), []byte("0.0.1"), 0o644); err != nil {
		t.Fatal(err)
	}
	second := in.Version + "-20260202"
	s.all()
	bring("pythons asking uv for "+in.Language(), "pythons "+second+" installed by uv")
	library := "/lib/python" + in.Language() + "/wsgiref/headers.py"
	for build, url := range map[string]string{first: begun, second: start(t, l, in.Language(), layer)} {
		got := get(t, url)
		want := in.Version + "\n" + name + "\n" + filepath.Join(l.Kit(), "python", build) + library
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("a function of %s says (-want +got):\n%s", build, diff)
		}
	}
	if _, err := os.Stat(p.Home); err != nil {
		t.Errorf("what runs has lost its library: %v", err)
	}
}

// interpreter is one that the system lacks, where there is one.
func interpreter(t *testing.T) mirror.Interpreter {
	t.Helper()
	system, err := System(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := mirror.Machine(t.Context())
	for _, in := range all {
		if !slices.ContainsFunc(system, func(p Python) bool { return p.Version() == in.Language() }) && in.Language() >= "3.10" && len(in.Language()) == 4 {
			return in
		}
	}
	if len(all) == 0 {
		t.Fatal("no Python on this machine")
	}
	return all[0]
}

// checkPlace wants a Python that fits where tasks see it, and that everybody can read.
func checkPlace(t *testing.T, p Python) {
	t.Helper()
	place := Mount + "/python/" + p.Version()
	data, err := filepath.Glob(filepath.Join(p.Home, "lib", "python"+p.Version(), "_sysconfigdata_*.py"))
	if err != nil || len(data) == 0 {
		t.Fatalf("no data of sysconfig: %v", err)
	}
	text, err := os.ReadFile(data[0])
	if err != nil || !strings.Contains(string(text), `"LIBDIR": "`+place+"/lib") || strings.Contains(string(text), stagePrefix) {
		t.Errorf("%s does not name %s (%v)", data[0], place, err)
	}
	compiled, err := filepath.Glob(filepath.Join(p.Home, "lib", "python"+p.Version(), "__pycache__", "os.*.pyc"))
	if err != nil || len(compiled) != 1 {
		t.Errorf("byte code of os is %v, %v", compiled, err)
	}
	out, err := exec.CommandContext(t.Context(), "find", p.Home, "-not", "-type", "l", "-not", "-perm", "-0444").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("not everybody can read %s (%v)", out, err)
	}
}

// start serves page as the agent does, and returns its URL.
func start(t *testing.T, l layout.Layout, version, layer string) string {
	t.Helper()
	tree := t.TempDir()
	if err := os.WriteFile(filepath.Join(tree, "app.py"), []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	free := httptest.NewServer(nil)
	addr := free.Listener.Addr().String()
	free.Close()
	host, port, _ := strings.Cut(addr, ":")
	runtime := filepath.Join(l.Kit(), "runtime", version)
	cmd := exec.CommandContext(t.Context(), filepath.Join(layer, "bin", "python"), "-u", filepath.Join(runtime, "fngen", "runtime", "boot.py"))
	cmd.Dir, cmd.Stderr = tree, os.Stderr
	cmd.Env = []string{
		"FNGEN_PROJECT=hello", "FNGEN_FUNCTION=live_app", "FNGEN_POWER=webapp", "FNGEN_RELEASE=1", "FNGEN_SERVER=default", "FNGEN_FILE=app.py",
		"FNGEN_HOST=" + host, "FNGEN_PORT=" + port, "FNGEN_HEALTH=/", "FNGEN_RUNTIME=" + runtime, "FNGEN_DRAIN_SECONDS=1", "NOMAD_ALLOC_ID=a1",
		"PATH=/usr/bin:/bin", "HOME=" + tree,
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for until := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
			return "http://" + addr
		}
		if time.Now().After(until) {
			t.Fatalf("no answer: %v", err)
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestPythonRefused: what cannot be had is asked for once a day, and said each time.
func TestPythonRefused(t *testing.T) {
	l, uv := checkout(t)
	var asked atomic.Int32
	empty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		http.NotFound(w, nil)
	}))
	defer empty.Close()
	t.Setenv("UV_PYTHON_INSTALL_MIRROR", empty.URL)
	t.Setenv("NO_PROXY", "127.0.0.1")
	system := []Python{{Minor: 11, Home: "/usr"}}
	var s said
	try := func(setting, offered, missing string, requests int32) {
		t.Helper()
		asked.Store(0)
		got, err := pythons(t.Context(), l, uv, wanted(t, setting), system, s.report)
		if err != nil || list(got) != offered {
			t.Errorf("%q: offered are %v, %v, want %s", setting, got, err, offered)
		}
		lines := s.all()
		last := "pythons " + offered + "; not to be had: " + missing + " (HTTP status client error (404 Not Found) for url (" + empty.URL
		if len(lines) == 0 || !strings.HasPrefix(lines[len(lines)-1], last) || asked.Load() != requests || len(lines) > 2 {
			t.Errorf("%q: said %q after %d requests, want %q", setting, lines, asked.Load(), last)
		}
	}
	try("", "3.11", "3.10, 3.12, 3.13, 3.14", 4)
	try("", "3.11", "3.10, 3.12, 3.13, 3.14", 0)
	try("3.11,3.12", "3.11", "3.12", 1) // another setting asks anew
	try("3.11,3.12", "3.11", "3.12", 0)
	try("3.12", "3.11", "3.12", 1) // the only one wanted: what is there is better than nothing
	if left := Lacking(l, wanted(t, "3.11,3.12"), system); len(left) > 0 {
		t.Errorf("the distribution is asked for %v, of which it is known that it cannot be had", left)
	}
	known := recall(l, wanted(t, "3.11,3.12"))
	known.At = time.Now().Add(-refusalTime)
	raw, err := json.Marshal(known)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(known.file, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	try("3.11,3.12", "3.11", "3.12", 1) // a day later
	if target, err := os.Readlink(filepath.Join(l.Kit(), "python", "3.11")); target != "/usr" {
		t.Errorf("python/3.11 leads to %q, %v", target, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pythons(ctx, l, uv, wanted(t, "3.13"), system, s.report); err == nil {
		t.Error("a make that was broken off says nothing")
	}
	if known := recall(l, wanted(t, "3.13")); len(known.Reasons) > 0 {
		t.Errorf("a make that was broken off has learned %v", known.Reasons)
	}
}

func TestParseWanted(t *testing.T) {
	for text, want := range map[string]string{
		"": "3.10, 3.11, 3.12, 3.13, 3.14", "3.11": "3.11", "3.12, 3.9,3.12": "3.9, 3.12", "3.10 3.14": "3.10, 3.14", "3.99": "3.99",
		",": "want versions with commas", "3.8": "runs on Python 3.9 and newer, not on 3.8", "3.12.4": `"3.12.4" is not a version such as 3.12`,
		"3": `"3" is not`, "2.7": `"2.7" is not`, "3.x": `"3.x" is not`, "3.100": `"3.100" is not`, "python3.12": `"python3.12" is not`,
		"3.12;rm": `"3.12;rm" is not`, "../3.12": `"../3.12" is not`, "3.012": `"3.012" is not`,
	} {
		w, err := ParseWanted(text)
		if err == nil && languages(w.minors) != want || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, %v, want %s", text, w, err, want)
		}
	}
}
