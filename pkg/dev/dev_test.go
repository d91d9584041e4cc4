package dev

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/task"
)

// patience stands for "it never ends": nothing here is as slow on any machine.
const patience = 3 * time.Minute

// session is a run of dev over a tree of real Python.
type session struct {
	t       *testing.T
	root    string
	address string
	reload  chan struct{}
	end     func()

	mu   sync.Mutex
	talk strings.Builder
}

func (s *session) said() string { s.mu.Lock(); defer s.mu.Unlock(); return s.talk.String() }

func (s *session) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(&s.talk, format+"\n", args...)
}

func (s *session) ready(functions []string, _ time.Duration) {
	s.say("ready: %s", strings.Join(functions, " "))
}

func (s *session) task(e task.Event) { s.say("%s %s %d", e.Function, e.State, e.Attempt) }

// write saves a file as an editor does: beside it first.
func (s *session) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.root, name)
	if err := os.WriteFile(path+".tmp", []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) compile(ctx context.Context) (Compiled, error) {
	scanned, err := source.Scan(ctx, s.root, source.Options{})
	if err != nil {
		return Compiled{}, err
	}
	project, list := compiler.Compile(ctx, compiler.Input{Tree: scanned.Tree, Project: "shop"})
	if list.HasErrors() {
		s.say("%s", list[0].Message)
		return Compiled{}, io.EOF
	}
	files := map[string]string{}
	for _, f := range scanned.Files {
		files[f.Path] = f.SHA256
	}
	return Compiled{Project: project, Files: files}, nil
}

func (s *session) variables() ([]string, error) {
	data, err := os.ReadFile(filepath.Join(s.root, ".env"))
	if err != nil {
		return nil, nil
	}
	return []string{strings.TrimSpace(string(data))}, nil
}

// get asks until ctx ends; an answer of any kind is returned.
func (s *session) get(host string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://"+s.address+"/", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Host = host
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// until waits for a condition.
func (s *session) until(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("not within %s: %s\n%s", patience, what, s.said())
		}
	}
}

// begin starts a session; it is skipped where there is no uv, or no index to install
// the runtime from.
func begin(t *testing.T, files map[string]string) *session {
	t.Helper()
	s := &session{t: t, root: t.TempDir(), reload: make(chan struct{}, 1)}
	for name, text := range files {
		s.write(name, text)
	}
	s.run()
	return s
}

// run runs dev until end is called.
func (s *session) run() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	ended, listening := make(chan error, 1), make(chan string, 1)
	go func() {
		ended <- Run(ctx, Options{
			Root: s.root, Address: "127.0.0.1:0", Python: python(s.t), UV: uv(s.t), Compile: s.compile, Variables: s.variables,
			Say: s.say, Line: func(function, line string) { s.say("%s | %s", function, line) },
			Task: s.task, Fast: true, Ready: s.ready, Reload: s.reload,
		}, func(address string) { listening <- address })
	}()
	s.end = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("dev ended with %v", err)
		}
	})
	s.t.Cleanup(s.end)
	s.address = <-listening
}

func uv(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("UV"); path != "" {
		return path
	}
	if path, err := exec.LookPath("uv"); err == nil {
		return path
	}
	// Where the one-machine cluster keeps its own.
	cache, _ := os.UserCacheDir()
	found, _ := filepath.Glob(filepath.Join(cache, "fngen", "uv-*", "bin", "uv"))
	if len(found) == 0 {
		t.Skip("there is no uv")
	}
	return found[0]
}

func python(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3")
	}
	return path
}

const app = `
import os
from fngen.powers import webapp

print("loading %s")

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("none")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%s " + os.environ.get("COLOUR", "").encode()})

@webapp(framework="asgi")
def %s():
    return app
`

func code(says, function string) string { return fmt.Sprintf(app, says, says, function) }

// TestReload saves good code, bad code, and code that does not start, under requests
// none of which fails.
func TestReload(t *testing.T) {
	s := begin(t, map[string]string{"a.py": code("one", "first"), "b.py": code("other", "second_one")})
	if status, body := s.get("localhost"); status != 200 || body != "one " {
		t.Fatalf("%d %s\n%s", status, body, s.said())
	}
	if _, body := s.get("second-one--shop.localhost:8000"); body != "other " {
		t.Errorf("the second function says %q", body)
	}
	stop := s.load()
	s.write("a.py", code("two", "first"))
	s.until("the new code", func() bool { _, body := s.get("localhost"); return body == "two " })
	s.write("a.py", "def (")
	s.until("the fault", func() bool { return strings.Contains(s.said(), "was never closed") })
	if _, body := s.get("localhost"); body != "two " {
		t.Errorf("with a fault in the code it says %q", body)
	}
	s.write("a.py", code("three", "first")+"\nraise ValueError('at import')\n")
	s.until("the failed start", func() bool { return strings.Contains(s.said(), "first did not start") })
	if _, body := s.get("localhost"); body != "two " {
		t.Errorf("with code that does not start it says %q", body)
	}
	s.write(".env", "COLOUR=red")
	s.write("a.py", code("four", "first"))
	s.until("the variable", func() bool { _, body := s.get("localhost"); return body == "four red" })
	if n, failed := stop(); n == 0 || failed != "" {
		t.Errorf("of %d requests one failed: %s", n, failed)
	}
	if !strings.Contains(s.said(), "first | loading four") {
		t.Errorf("the output is not shown:\n%s", s.said())
	}
}

// load asks without a pause until stop is called, which tells how many times, and
// what went wrong.
func (s *session) load() (stop func() (int, string)) {
	quit, result := make(chan struct{}), make(chan string, 1)
	n := 0
	go func() {
		for {
			select {
			case <-quit:
				result <- ""
				return
			default:
			}
			n++
			resp, err := http.Get("http://" + s.address + "/")
			if err != nil {
				result <- err.Error()
				return
			}
			_, err = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusOK {
				result <- fmt.Sprint(resp.Status, err)
				return
			}
		}
	}()
	return func() (int, string) { close(quit); failed := <-result; return n, failed }
}

// TestFirstStartFails shows why as a page, and mends itself.
func TestFirstStartFails(t *testing.T) {
	s := begin(t, map[string]string{"a.py": code("one", "first") + "\n1/0\n"})
	status, body := s.get("localhost")
	if status != 500 || !strings.Contains(body, "ZeroDivisionError") {
		t.Errorf("%d %s", status, body)
	}
	s.write("a.py", code("two", "first"))
	s.until("the mended code", func() bool { _, body := s.get("localhost"); return body == "two " })
}

// TestNothingIsLeft ends a session.
func TestNothingIsLeft(t *testing.T) {
	s := begin(t, map[string]string{"a.py": code("one", "first")})
	s.get("localhost")
	if n := len(processesIn(t, s.root)); n == 0 {
		t.Skip("no processes are to be seen here")
	}
	s.end()
	s.until("no process", func() bool { return len(processesIn(t, s.root)) == 0 })
}

// processesIn are the processes whose working directory it is.
func processesIn(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range links {
		if at, err := os.Readlink(link); err == nil && at == dir {
			out = append(out, link)
		}
	}
	return out
}

// TestKilled kills the program, which cannot do anything about it any more.
func TestKilled(t *testing.T) {
	if root := os.Getenv("FNGEN_TEST_ROOT"); root != "" {
		s := &session{t: t, root: root}
		_ = Run(t.Context(), Options{
			Root: root, Address: "127.0.0.1:0", Python: python(t), UV: uv(t), Compile: s.compile, Variables: s.variables,
			Say: func(format string, args ...any) { fmt.Printf(format+"\n", args...) }, Line: func(string, string) {}, Task: func(task.Event) {},
			Ready: func([]string, time.Duration) { fmt.Println("ready") },
		}, func(string) {})
		return
	}
	s := &session{t: t, root: t.TempDir()}
	s.write("a.py", code("one", "first")+"\nfrom fngen.powers import task_worker\n\n@task_worker()\ndef work():\n    pass\n")
	python(t)
	uv(t)
	program := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	program.Env = append(os.Environ(), "FNGEN_TEST_ROOT="+s.root)
	program.Stdout = writer(s.say)
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	s.until("it serves", func() bool { return strings.Contains(s.said(), "ready") })
	if n := len(processesIn(t, s.root)); n < 2 {
		t.Errorf("%d processes of a web app and a task worker were seen", n)
	}
	if err := program.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	s.until("no process is left", func() bool { return len(processesIn(t, s.root)) == 0 })
	_ = program.Wait()
}

type writer func(format string, args ...any)

func (w writer) Write(p []byte) (int, error) { w("%s", p); return len(p), nil }
